/** Commands about devices at their hubs. */
import { parseJson } from '../json.ts';
import type { Json } from '../json.ts';
import { segment } from './client.ts';
import { UsageError } from './command.ts';
import type { Command, Given, Option } from './command.ts';
import { jsonOrFile } from './enrolment-options.ts';
import { eventLine, say, sayJson } from './print.ts';

const HUB: Option = { value: 'HUB', help: 'default: the hub that knows the device' };

/** Path of the device that is the first argument. */
function devicePath(given: Given): string {
  return `/hubs/${segment(given.text('hub') ?? '-')}/devices/${segment(given.args[0] ?? '')}`;
}

/** JSON where it is, else the text itself. */
function jsonOrText(text: string): Json {
  return parseJson(text) ?? text;
}

export const hubCommands: readonly Command[] = [
  {
    name: 'call',
    arguments: 'ID METHOD [PAYLOAD]',
    summary: 'calls a direct method and shows its answer',
    count: [2, 3],
    options: { hub: HUB, timeout: { value: 'SECONDS', help: 'for the answer; default 30' } },
    async run(given, client) {
      const [, method = '', payload] = given.args;
      const path = `${devicePath(given)}/methods/${segment(method)}`;
      const query = `?timeoutSeconds=${given.number('timeout') ?? 30}`;
      const body = payload === undefined ? null : jsonOrText(payload);
      sayJson(await client.call('POST', path + query, body));
    },
  },
  {
    name: 'send',
    arguments: 'ID TEXT',
    summary: 'sends a cloud-to-device message; it waits for a device that is away',
    count: [2, 2],
    options: {
      hub: HUB,
      property: { value: 'NAME=VALUE', multiple: true, help: 'an application property' },
      'content-type': { value: 'TYPE', help: 'of the text' },
    },
    async run(given, client) {
      const pairs = given.list('property').map((pair) => {
        const at = pair.indexOf('=');
        if (at < 1) throw new UsageError(`${pair} is not NAME=VALUE`);
        return [pair.slice(0, at), pair.slice(at + 1)] as const;
      });
      const contentType = given.text('content-type');
      const message = {
        body: given.args[1] ?? '',
        properties: Object.fromEntries(pairs),
        ...(contentType === undefined ? {} : { contentType }),
      };
      sayJson(await client.call('POST', `${devicePath(given)}/messages`, message));
    },
  },
  {
    name: 'twin',
    arguments: 'ID [PATCH]',
    summary: 'shows a twin, after changing its desired properties by PATCH (JSON, null deletes)',
    count: [1, 2],
    options: { hub: HUB },
    async run(given, client) {
      const [, patch] = given.args;
      const path = `${devicePath(given)}/twin`;
      if (patch === undefined) return sayJson(await client.call('GET', path));
      sayJson(await client.call('PATCH', `${path}/desired`, jsonOrFile(patch)));
    },
  },
  {
    name: 'drop',
    arguments: 'ID',
    summary: 'ends the connection of a device; it may come back at once',
    count: [1, 1],
    options: { hub: HUB },
    async run(given, client) {
      sayJson(await client.call('POST', `${devicePath(given)}/drop`));
    },
  },
  {
    name: 'hub',
    arguments: 'down|up|failover HUB [SECONDS]',
    summary: 'takes a hub off the network, brings it back, or lets it fail over (CONNACK 3)',
    count: [2, 3],
    options: {},
    async run(given, client) {
      const [what = '', hub = '', seconds = '60'] = given.args;
      if (!['down', 'up', 'failover'].includes(what)) throw new UsageError(`no such: ${what}`);
      const body = what === 'failover' ? { seconds: Number(seconds) } : undefined;
      sayJson(await client.call('POST', `/hubs/${segment(hub)}/${what}`, body));
    },
  },
  {
    name: 'watch',
    arguments: '',
    summary: 'shows events as they happen, and messages with their bodies, until Ctrl+C',
    count: [0, 0],
    options: {
      events: { value: 'A,B,...', help: 'these kinds only, e.g. registration,assigned,refused' },
      'no-messages': { help: 'events only' },
    },
    async run(given, client) {
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
      const query = new URLSearchParams(given.flag('no-messages') ? {} : { messages: '1' });
      const events = given.text('events');
      if (events !== undefined) query.set('events', events);
      for await (const event of client.lines(`/events/stream?${query.toString()}`, stop.signal)) {
        say(given.flag('json') ? JSON.stringify(event) : eventLine(event));
      }
    },
  },
];
