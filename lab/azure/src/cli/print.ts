/** What the command line shows. */
import type { Json, JsonObject } from '../json.ts';
import { columns } from './command.ts';

export function say(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function sayJson(json: Json): void {
  say(JSON.stringify(json, null, 2));
}

/** Objects as a table of some of their members. */
export function sayTable(rows: readonly JsonObject[], members: readonly string[]): void {
  if (rows.length === 0) return say('(none)');
  say(columns([members, ...rows.map((row) => members.map((member) => cell(path(row, member))))]));
}

/** `a.b` = member b of member a. */
function path(json: Json | undefined, member: string): Json | undefined {
  let value = json;
  for (const name of member.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

function cell(value: Json | undefined): string {
  if (value === undefined || value === null) return '-';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((one) => cell(one as Json)).join(',') || '-';
  return JSON.stringify(value);
}

/** What a device needs, as environment variables that a shell can read. */
export function sayConnection(connection: JsonObject): void {
  const names = [
    ['DPS_ENDPOINT', 'httpsEndpoint'],
    ['DPS_MQTT_ENDPOINT', 'mqttEndpoint'],
    ['DPS_ID_SCOPE', 'idScope'],
    ['DPS_REGISTRATION_ID', 'registrationId'],
    ['DPS_SYMMETRIC_KEY', 'symmetricKey'],
    ['DPS_X509_CERTFILE', 'certificateFile'],
    ['DPS_X509_KEYFILE', 'keyFile'],
    ['NODE_EXTRA_CA_CERTS', 'caFile'],
  ] as const;
  for (const [name, member] of names) {
    const value = connection[member];
    if (typeof value === 'string') say(`${name}=${value}`);
  }
}

/** One line for an event or a message. */
export function eventLine(event: JsonObject): string {
  const { event: name, atMs, body, ...rest } = event;
  const time = new Date(Number(atMs)).toISOString().slice(11, 23);
  const hidden = ['sha256', 'operationId', 'system', 'sequence', 'blocks', 'duplicate'];
  const fields = Object.entries(rest)
    .filter(([member]) => !hidden.includes(member))
    .map(([member, value]) => `${member}=${cell(value)}`);
  const text = body === undefined ? [] : [cell(body)];
  return [time, cell(name).padEnd(12), ...fields, ...text].join(' ');
}
