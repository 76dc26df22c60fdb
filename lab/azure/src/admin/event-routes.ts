/** The admin API's part about what happened and what goes wrong on purpose. */
import type { Cloud } from '../cloud.ts';
import type { Faults } from '../faults.ts';
import type { ReceivedMessage } from '../hub/message-log.ts';
import { objectOf } from './dps-routes.ts';
import { parseFaultRule } from './fault-json.ts';
import { AdminError } from './router.ts';
import type { AdminRequest, Route } from './router.ts';

export function eventRoutes(cloud: Cloud): readonly Route[] {
  const { log } = cloud;
  return [
    {
      method: 'GET',
      path: '/events',
      handle: ({ query }) => {
        const newest = log.events.slice(-Number(query.get('last') ?? 100));
        return { json: { position: log.position, events: newest } };
      },
    },
    { method: 'GET', path: '/events/stream', handle: ({ query }) => stream(cloud, query) },
    { method: 'GET', path: '/hubs/:hub/messages', handle: (request) => messages(cloud, request) },
    ...faultRoutes(cloud.faults),
  ];
}

function faultRoutes(faults: Faults): readonly Route[] {
  const shownFaults = () => ({
    clockOffsetSeconds: faults.clockOffsetMs / 1_000,
    rules: faults.active.map(({ id, rule, hits }) => ({ id, hits, ...rule })),
  });
  return [
    { method: 'GET', path: '/faults', handle: () => ({ json: shownFaults() }) },
    {
      method: 'POST',
      path: '/faults',
      handle: ({ body }) => {
        const { id, rule } = faults.add(parseFaultRule(body));
        return { status: 201, json: { id, ...rule } };
      },
    },
    {
      method: 'DELETE',
      path: '/faults',
      handle: () => {
        faults.clear();
        return { json: shownFaults() };
      },
    },
    {
      method: 'DELETE',
      path: '/faults/:id',
      handle: (request) => {
        if (faults.remove(Number(request.param('id')))) return { json: shownFaults() };
        throw new AdminError(404, 'there is no such fault');
      },
    },
    {
      method: 'PUT',
      path: '/clock',
      handle: ({ body }) => {
        const { offsetSeconds } = objectOf(body);
        if (typeof offsetSeconds !== 'number') {
          throw new AdminError(400, 'offsetSeconds must be a number');
        }
        faults.clockOffsetMs = offsetSeconds * 1_000;
        return { json: shownFaults() };
      },
    },
  ];
}

/** Events as they happen; with `?messages=1` the bodies of messages, too. */
function stream(cloud: Cloud, query: URLSearchParams) {
  const withBodies = query.get('messages') === '1';
  const kinds = query.get('events')?.split(',');
  return {
    lines(write: (value: unknown) => void): () => void {
      const ends = [
        cloud.log.subscribe((event) => {
          if (withBodies && event.event === 'message') return;
          if (kinds === undefined || kinds.includes(event.event)) write(event);
        }),
        ...(withBodies
          ? cloud.hubs.map((hub) =>
              hub.messages.subscribe((message) => write(shown(hub.name, message))),
            )
          : []),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

function messages(cloud: Cloud, request: AdminRequest) {
  const hub = cloud.hubs.find(({ name }) => name === request.param('hub'));
  if (hub === undefined) throw new AdminError(404, 'there is no such hub');
  const device = request.query.get('device');
  const after = Number(request.query.get('after') ?? 0);
  const found = hub.messages.all.filter(
    ({ deviceId, sequence }) => sequence > after && (device === null || deviceId === device),
  );
  const last = Number(request.query.get('last') ?? 100);
  const list = found.slice(-last).map((message) => shown(hub.name, message));
  return { json: { total: hub.messages.total, messages: list } };
}

/** The body as text: what is no text shows where it is not. */
function shown(hub: string, message: ReceivedMessage): object {
  return { event: 'message', hub, ...message, body: message.body.toString('utf8') };
}
