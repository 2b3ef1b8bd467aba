// The JSON API: everything that the panel does goes through it.

import { currentToken } from "./session.js";

// An answer that is no success, as RFC 9457 has it.
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? "The answer could not be understood.");
    this.status = status;
    this.code = body?.code ?? "unreadable";
    this.errors = body?.errors ?? [];
  }

  // The route itself is not there: a part that this version does not have.
  get isAbsentRoute() {
    return this.status === 405 || (this.status === 404 && this.message.startsWith("There is no such route"));
  }
}

let onSignedOut = () => {};

// What happens when the token is not accepted any more.
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

export async function call(method, path, { body, file, etag, signal } = {}) {
  const headers = { accept: "application/json" };
  if (currentToken()) headers.authorization = `Bearer ${currentToken()}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  if (etag) headers["if-match"] = etag;
  if (file) headers["content-type"] = file.name.toLowerCase().endsWith(".csv") ? "text/csv" : "application/x-ndjson";
  let reply;
  try {
    const sent = file ?? (body === undefined ? undefined : JSON.stringify(body));
    reply = await fetch(path, { method, headers, body: sent, signal, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "unreachable", detail: "Stevedore does not answer. Check the connection, then try again." });
  }
  const answer = await reply.json().catch((error) => {
    // Left in the middle of it; that is no empty answer.
    if (error.name === "AbortError") throw error;
    return null;
  });
  if (reply.ok) return { status: reply.status, body: answer, etag: reply.headers.get("etag") };
  const problem = new Problem(reply.status, answer);
  if (reply.status === 401 && currentToken()) onSignedOut();
  throw problem;
}

export async function get(path, signal) {
  return (await call("GET", path, { signal })).body;
}

export async function post(path, body) {
  return (await call("POST", path, { body: body ?? {} })).body;
}

// A part of an address, safe in it.
export function part(text) {
  return encodeURIComponent(text);
}

// `path` with the parameters that have a value.
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}
