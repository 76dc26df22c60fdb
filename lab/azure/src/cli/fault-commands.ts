/** Commands that make things go wrong. */
import type { Json, JsonObject } from '../json.ts';
import { segment } from './client.ts';
import { UsageError } from './command.ts';
import type { Command, Given } from './command.ts';
import { say, sayJson } from './print.ts';

/** Number options by the name of the member they set. */
function numbers(given: Given, names: Readonly<Record<string, string>>): JsonObject {
  const found: Record<string, Json> = {};
  for (const [option, member] of Object.entries(names)) {
    const value = given.number(option);
    if (value !== undefined) found[member] = value;
  }
  return found;
}

const HUB_LIMITS = {
  'connects-per-second': 'connectsPerSecond',
  'sends-per-second': 'sendsPerSecond',
  'daily-blocks': 'dailyBlocks',
  'block-bytes': 'blockBytes',
  'shaping-ms': 'shapingMs',
};
const DPS_LIMITS = {
  registrations: 'registrationsPerMinute',
  polls: 'pollsPerMinute',
  'device-polls': 'devicePollsPer10Seconds',
};

function action(given: Given): JsonObject {
  const status = given.number('status');
  const code = given.number('connack');
  const body = given.text('body');
  if (status !== undefined) {
    const seconds = given.number('retry-after');
    const as = given.flag('date') ? 'date' : 'seconds';
    return {
      kind: 'status',
      status,
      ...(seconds === undefined ? {} : { retryAfter: { seconds, as } }),
      ...(body === undefined ? {} : { body }),
    };
  }
  if (code !== undefined) return { kind: 'connack', code };
  if (body !== undefined) return { kind: 'body', text: body };
  const kind = ['hang', 'close', 'withhold', 'process-and-close'].find((one) => given.flag(one));
  if (kind !== undefined) return { kind: kind.replaceAll('-', '_') };
  if (given.number('delay-ms') !== undefined) return { kind: 'pass' };
  throw new UsageError('say what happens: --status, --connack, --body, --hang, --close, ...');
}

export const faultCommands: readonly Command[] = [
  {
    name: 'fault',
    arguments: 'POINT',
    summary:
      'adds a fault where POINT is dps_register, dps_poll, dps_lookup, dps_connect, hub_connect, ' +
      'hub_publish, hub_subscribe, twin_get or twin_patch',
    count: [1, 1],
    options: {
      status: { value: 'N', help: 'an answer with this status; DPS and twin' },
      'retry-after': { value: 'SECONDS', help: 'with --status; default none' },
      date: { help: 'the Retry-After as an HTTP-date' },
      body: { value: 'TEXT', help: 'instead of the usual body, e.g. no JSON' },
      connack: { value: '1-5', help: 'return code of CONNECT; dps_connect and hub_connect' },
      hang: { help: 'neither processed nor answered' },
      close: { help: 'the connection ends before anything is processed' },
      withhold: { help: 'processed, not answered: e.g. a message without PUBACK' },
      'process-and-close': { help: 'processed, then the connection ends' },
      'delay-ms': { value: 'N', help: 'before whatever happens; alone: a slow service' },
      id: { value: 'PATTERN', help: 'devices this is for, * = any characters; default all' },
      at: { value: 'NAME', help: 'dps or a hub; default all' },
      count: { value: 'N', help: 'how many times; default until cleared' },
      skip: { value: 'N', help: 'how many pass before' },
      probability: { value: '0-1', help: 'default 1' },
    },
    async run(given, client) {
      const id = given.text('id');
      const service = given.text('at');
      const rule = {
        at: given.args[0] ?? '',
        action: action(given),
        ...(id === undefined ? {} : { id }),
        ...(service === undefined ? {} : { service }),
        ...numbers(given, {
          count: 'count',
          skip: 'skip',
          probability: 'probability',
          'delay-ms': 'delayMs',
        }),
      };
      sayJson(await client.call('POST', '/faults', rule));
    },
  },
  {
    name: 'faults',
    arguments: '[clear [NUMBER]]',
    summary: 'shows the faults in force, or ends one or all of them',
    count: [0, 2],
    options: {},
    async run(given, client) {
      const [word, number] = given.args;
      if (word === undefined) return sayJson(await client.call('GET', '/faults'));
      if (word !== 'clear') throw new UsageError(`no such: ${word}`);
      const path = number === undefined ? '/faults' : `/faults/${segment(number)}`;
      sayJson(await client.call('DELETE', path));
    },
  },
  {
    name: 'clock',
    arguments: 'SECONDS',
    summary: 'sets the clock of the cloud ahead, or behind; 0 = right again',
    count: [1, 1],
    options: { behind: { help: 'behind instead of ahead' } },
    async run(given, client) {
      const seconds = Number(given.args[0]);
      if (Number.isNaN(seconds)) throw new UsageError(`${given.args[0]} is no number`);
      const offsetSeconds = given.flag('behind') ? -seconds : seconds;
      await client.call('PUT', '/clock', { offsetSeconds });
      say(`the cloud is ${offsetSeconds} s ahead`);
    },
  },
  {
    name: 'throttle',
    arguments: 'dps|HUB [off]',
    summary: 'limits DPS or a hub as the real ones are limited; off = no limits, DPS: the usual',
    count: [1, 2],
    options: {
      registrations: { value: 'N', help: 'DPS: registrations and lookups a minute' },
      polls: { value: 'N', help: 'DPS: status polls a minute' },
      'device-polls': { value: 'N', help: 'DPS: status polls of one device in 10 s' },
      'retry-after': { value: 'FORM', help: 'DPS: seconds (default), date or absent' },
      tier: { value: 'F1|S1|S2|S3', help: 'hub: everything as in this tier' },
      units: { value: 'N', help: 'hub: with --tier; default 1' },
      'connects-per-second': { value: 'N', help: 'hub' },
      'sends-per-second': { value: 'N', help: 'hub: messages from devices' },
      'daily-blocks': { value: 'N', help: 'hub: metering blocks a day' },
      'block-bytes': { value: 'N', help: 'hub: 4096, or 512 on the free tier' },
      'shaping-ms': { value: 'N', help: 'hub: how long sends above the rate are held back' },
    },
    async run(given, client) {
      const [who = '', off] = given.args;
      if (off !== undefined && off !== 'off') throw new UsageError(`no such: ${off}`);
      if (who !== 'dps') {
        const tier = given.text('tier');
        const limits = {
          ...(tier === undefined ? {} : { tier }),
          ...numbers(given, { units: 'units', ...HUB_LIMITS }),
        };
        const body = off === 'off' ? {} : limits;
        return sayJson(await client.call('PUT', `/hubs/${segment(who)}/limits`, body));
      }
      const form = given.text('retry-after');
      const limits = off === 'off' ? USUAL_DPS_LIMITS : numbers(given, DPS_LIMITS);
      const changes = { limits, ...(form === undefined ? {} : { throttleRetryAfter: form }) };
      sayJson(await client.call('PATCH', '/dps/settings', changes));
    },
  },
];

const USUAL_DPS_LIMITS = {
  registrationsPerMinute: 1_000,
  pollsPerMinute: 1_000,
  devicePollsPer10Seconds: 5,
};
