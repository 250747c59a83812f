// One vote on its way: under one name for ever, so that sending it again is harmless, and kept until it is known to be
// counted or refused. It must not know: pages.

// What is kept lives through a reload, and a browser that keeps nothing still votes.
export function keeper(name) {
  let memory = null;
  return {
    read() {
      try { return JSON.parse(localStorage.getItem(name)) ?? memory; } catch { return memory; }
    },
    write(value) {
      memory = value;
      try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* kept in memory */ }
    },
    clear() {
      memory = null;
      try { localStorage.removeItem(name); } catch { /* it was in memory only */ }
    },
  };
}

// A UUID; browsers have `randomUUID` only over TLS, and a hall may have none.
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const SLOW_MS = 4000;
const ATTEMPT_MS = 10000;
const WAIT_MAX_MS = 8000;

async function attempt(address, body) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), ATTEMPT_MS);
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(address, { method: "POST", headers, body, keepalive: true, signal: giveUp.signal });
    const answer = await response.json();
    return { status: response.status, answer, waitMs: 1000 * (Number(response.headers.get("retry-after")) || 0) };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

// Waits, but not longer than until the line is back or the page is looked at again.
function pause(ms) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      document.removeEventListener("visibilitychange", seen);
      done();
    };
    const seen = () => document.visibilityState === "visible" && end();
    const timer = setTimeout(end, ms);
    addEventListener("online", end);
    document.addEventListener("visibilitychange", seen);
  });
}

// Sends until there is an answer that decides, and gives it. `tell` hears "unsure" or "offline" meanwhile.
export async function deliver(address, body, tell) {
  let isNewDevice = false;
  for (let tries = 0; ; tries += 1) {
    const slow = setTimeout(() => tell("unsure"), SLOW_MS);
    const heard = await attempt(address, body);
    clearTimeout(slow);
    if (heard && heard.status === 401 && !isNewDevice) {
      // The browser has lost its cookie: a page of ours gives it another.
      isNewDevice = true;
      await fetch(location.pathname, { cache: "no-store" }).catch(() => {});
      continue;
    }
    if (heard && heard.status !== 408 && heard.status !== 429 && heard.status < 500) return heard;
    tell(navigator.onLine ? "unsure" : "offline");
    const backOff = Math.min(WAIT_MAX_MS, 400 * 2 ** tries) * (0.75 + Math.random() / 2);
    await pause(Math.max(heard?.waitMs ?? 0, backOff));
  }
}
