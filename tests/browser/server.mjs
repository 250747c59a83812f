// A server of a test's own: started on a free port, killed and started again on the same one, asked as its organiser.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = process.env.HUSTINGS_TEST_PROGRAM ?? `${process.env.CARGO_TARGET_DIR ?? "../../target"}/debug/hustings`;
const ADMIN = "admin-token-of-the-browser-tests";

export class Server {
  static async start(...more) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "hustings-browser-"));
    server.more = more;
    server.listen = "127.0.0.1:0";
    await server.again();
    return server;
  }

  // Starts it, after a kill at the same address.
  async again() {
    const options = ["serve", "--data", this.folder, "--listen", this.listen, ...this.more];
    this.process = spawn(PROGRAM, options, { env: { ...process.env, HUSTINGS_ADMIN_TOKEN: ADMIN }, stdio: ["ignore", "pipe", "pipe"] });
    this.log = "";
    this.url = await new Promise((done, failed) => {
      const heard = (data) => {
        this.log += data;
        const found = /listening on (http:\/\/\S+)/.exec(this.log);
        if (found) done(found[1]);
      };
      this.process.stdout.on("data", heard);
      this.process.stderr.on("data", heard);
      this.process.on("exit", (code) => failed(new Error(`the server ended with ${code}: ${this.log}`)));
    });
    this.listen = this.url.replace("http://", "");
  }

  // The link for the first organiser, which a first start prints.
  async welcome() {
    const link = () => /(http:\/\/\S+\/welcome\/[^\s.]\S*)\n/.exec(this.log)?.[1];
    while (!link()) await once(this.process.stderr, "data");
    return link();
  }

  async kill(signal = "SIGKILL") {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill(signal);
    await ended;
  }

  async stop() {
    await this.kill("SIGTERM");
    rmSync(this.folder, { recursive: true });
  }

  async ask(method, path, body) {
    const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
    const response = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  // A poll: Tea or Coffee, open, with what `more` says otherwise.
  async poll(more = {}) {
    const poll = await this.ask("POST", "/api/v1/polls", { title: "Tea or coffee?", choices: ["Tea", "Coffee"], open: true, ...more });
    return { ...poll, page: `${this.url}/${poll.code}` };
  }

  act(poll, act, body) {
    return this.ask("POST", `/api/v1/polls/${poll.id}/${act}`, body ?? {});
  }

  // Removes it for good.
  remove(poll) {
    return this.ask("DELETE", `/api/v1/polls/${poll.id}`, { title: poll.title });
  }

  results(poll) {
    return this.ask("GET", `/api/v1/polls/${poll.id}/results`);
  }

  // Votes of other people.
  async others(poll, choice, voters) {
    for (const voter of voters) await this.ask("POST", `/api/v1/polls/${poll.id}/votes`, { choices: [choice], voter });
  }
}
