// Whoever is signed in, without the forms where those are not what a test is about: as what a browser is opened with.
import assert from "node:assert/strict";
import { launch } from "./browser.mjs";
import { Server } from "./server.mjs";

export const PASSWORD = "correct horse battery";

// Sends a form as a page of the server's own would, and gives the answer.
async function send(server, path, fields, cookie = "") {
  const headers = { origin: server.url, ...(cookie && { cookie }) };
  const answer = await fetch(server.url + path, { method: "POST", headers, body: new URLSearchParams(fields), redirect: "manual" });
  assert.ok(answer.status < 400, `${path}: ${answer.status} ${answer.status < 400 ? "" : await answer.text()}`);
  return answer;
}

// A cookie of the server, as browsers are opened with it.
function state(server, pair) {
  const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
  const cookie = { name, value, domain: new URL(server.url).hostname, path: "/", expires: -1, httpOnly: true, secure: false, sameSite: "Lax" };
  return { storageState: { cookies: [cookie], origins: [] } };
}

async function accept(server, path, name) {
  const answer = await send(server, path, { name, password: PASSWORD, again: PASSWORD });
  const cookie = answer.headers.getSetCookie().find((one) => one.includes("hustings-session=")).split(";")[0];
  return { name, cookie, state: state(server, cookie) };
}

// The first organiser, by the link that the first start prints.
export async function founder(server, name = "ada") {
  return accept(server, new URL(await server.welcome()).pathname, name);
}

// Somebody else, by an invitation of the first organiser's.
export async function invited(server, admin, name) {
  const made = await send(server, "/account/invitations", { do: "make" }, admin.cookie);
  const page = await (await fetch(server.url + made.headers.get("location"), { headers: { cookie: admin.cookie } })).text();
  return accept(server, /\/join\/[^"]+/.exec(page)[0], name);
}

// Gives somebody a part in a poll.
export const joins = (server, owner, poll, person, role) =>
  send(server, `/${poll.code}/people`, { do: "add", name: person.name, role }, owner.cookie);

// A poll that somebody made: by the form, as programs make theirs by token.
export async function made(server, owner, fields = {}) {
  const draft = { title: "Tea or coffee?", choices: "Tea\nCoffee", method: "single", visibility: "always", access: "device", zone: "UTC", ...fields };
  const answer = await send(server, "/new", draft, owner.cookie);
  const code = answer.headers.get("location").split("/")[1];
  const poll = await server.ask("GET", `/api/v1/polls/${code}`);
  return { ...poll, page: `${server.url}/${code}`, console: `${server.url}/${code}/host` };
}

// What pages for organisers are looked at with: a browser, a server, its founder, and an organiser whom she invited.
export async function opened() {
  const [browser, server] = await Promise.all([launch(), Server.start()]);
  const ada = await founder(server, "ada@example.org");
  return [browser, server, ada, await invited(server, ada, "olga")];
}
