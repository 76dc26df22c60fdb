/**
 * The stream `events`: state changes worth drawing on a time line, written by every service
 * (contract, section 1). Fields: `service`, `event`, then the event's own members as strings.
 */
import type { Redis } from './connection.ts';
import { KEYS } from './keys.ts';

/** About how many events are kept; trimmed by whole nodes, so a few more may stand there. */
export const KEEP_EVENTS = 1_000;

export interface DeviceEvent {
  readonly service: string;
  /** What happened, lower snake case: `measuring_stopped`, `sensor_lost`, ... */
  readonly event: string;
  readonly fields?: Readonly<Record<string, string | number>>;
}

/** Appends an event; rejects when Redis does. */
export async function writeEvent(redis: Redis, event: DeviceEvent): Promise<void> {
  const pairs = Object.entries(event.fields ?? {}).flatMap(([name, value]) => [
    name,
    String(value),
  ]);
  await redis.xadd(
    KEYS.events.key,
    'MAXLEN',
    '~',
    KEEP_EVENTS,
    '*',
    'service',
    event.service,
    'event',
    event.event,
    ...pairs,
  );
}
