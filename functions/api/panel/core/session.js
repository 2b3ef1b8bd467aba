// Who is signed in. The token lives in this tab alone, and travels in the Authorization header alone.

const TOKEN = "stevedore.token";
const ME = "stevedore.me";
const FLOW = "stevedore.flow";

let token = sessionStorage.getItem(TOKEN);
let me = JSON.parse(sessionStorage.getItem(ME) ?? "null");

export function currentToken() {
  return token;
}

export function currentMe() {
  return me;
}

export function keepToken(value) {
  token = value;
  me = null;
  sessionStorage.setItem(TOKEN, value);
  sessionStorage.removeItem(ME);
}

export function keepMe(value) {
  me = { ...me, ...value };
  sessionStorage.setItem(ME, JSON.stringify(me));
}

export function signOut() {
  token = null;
  me = null;
  sessionStorage.clear();
}

// Whether the token carries a grade: read, operate or configure.
export function can(grade) {
  return Boolean(me?.permissions?.includes(`integration:shipstation:${grade}`));
}

// A token behind the # of the address: browsers never send that part, and it is taken off at once.
export function takeTokenFromAddress() {
  const match = location.hash.match(/^#token=(.+)$/);
  if (!match) return;
  keepToken(decodeURIComponent(match[1]));
  history.replaceState(null, "", "/#/");
}

function text(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function random() {
  return text(crypto.getRandomValues(new Uint8Array(32)));
}

// Begins OpenID Connect's authorization code flow with PKCE.
export async function signInElsewhere(configuration) {
  const flow = { state: random(), verifier: random(), then: location.hash };
  sessionStorage.setItem(FLOW, JSON.stringify(flow));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(flow.verifier));
  const address = new URL(configuration.url);
  const parameters = {
    response_type: "code", client_id: configuration.client_id, redirect_uri: `${location.origin}/`, scope: configuration.scopes,
    state: flow.state, code_challenge: text(digest), code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  location.assign(address);
}

// Ends the flow when the issuer has sent the person back with a code. Answers what went wrong, if anything did.
export async function takeCodeFromAddress(configurationOf) {
  const query = new URLSearchParams(location.search);
  if (!query.has("code") && !query.has("error")) return null;
  const flow = JSON.parse(sessionStorage.getItem(FLOW) ?? "null");
  sessionStorage.removeItem(FLOW);
  history.replaceState(null, "", `/${flow?.then ?? ""}`);
  if (query.has("error")) return `Signing in was refused: ${query.get("error_description") ?? query.get("error")}`;
  if (!flow || flow.state !== query.get("state")) return "Signing in did not start here. Please sign in again.";
  const { sign_in: configuration } = await configurationOf();
  const body = new URLSearchParams({
    grant_type: "authorization_code", client_id: configuration.client_id, code: query.get("code"),
    redirect_uri: `${location.origin}/`, code_verifier: flow.verifier,
  });
  const reply = await fetch(configuration.token_url, { method: "POST", body, credentials: "omit" }).catch(() => null);
  const answer = await reply?.json().catch(() => null);
  if (!reply?.ok || !answer?.access_token) return "The issuer gave no token. Please sign in again.";
  keepToken(answer.access_token);
  return null;
}
