/**
 * Pausing and resuming measuring in one atomic step: read, flip, tell. Two presses from two places
 * never get lost, and the event's order is the order of the changes.
 *
 * - `measurement:enabled`: `0` becomes `1`; anything else, or missing, means measuring (contract,
 *   section 1) and becomes `0`.
 * - The event `measuring_started` or `measuring_stopped`, with its `source`, goes into `events` in
 *   the same step.
 * - A request whose answer was lost is repeated with the same id: the script remembers the newest
 *   ids in the caller's status hash and answers `repeated` instead of toggling twice. If Redis lost
 *   its last second it lost the toggle and the id together, and the repetition counts.
 * - A request older than the caller accepts is not carried out, but recorded as an event.
 */
import type { Redis } from './connection.ts';
import { KEEP_EVENTS } from './events.ts';
import { KEYS } from './keys.ts';
import { Script } from './script.ts';

/** Ids remembered per status hash; a caller repeats one request at a time, so few would do. */
const REMEMBERED_IDS = 32;

/**
 * KEYS[1] string `measurement:enabled`   KEYS[2] stream `events`   KEYS[3] status hash
 * ARGV[1] id, [2] ids to remember, [3] events to keep, [4] service, [5] source,
 * [6] age ms, [7] largest age ms, [8] event when older
 * Returns { outcome, state }: outcome toggled | repeated | expired, state 1 = measuring.
 * The event comes first: it is the only write that can fail (somebody made `events` another type).
 */
const TOGGLE = `
local value = redis.pcall('GET', KEYS[1])
local measuring = not (type(value) == 'string' and string.match(value, '^%s*0%s*$'))
local remembered = redis.call('HGET', KEYS[3], 'last_toggles') or ''
for id in string.gmatch(remembered, '%S+') do
  if id == ARGV[1] then return { 'repeated', measuring and 1 or 0 } end
end
local outcome, event, extra = 'toggled', nil, {}
if tonumber(ARGV[6]) > tonumber(ARGV[7]) then
  outcome, event, extra = 'expired', ARGV[8], { 'age_ms', ARGV[6] }
else
  measuring = not measuring
  event = measuring and 'measuring_started' or 'measuring_stopped'
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*',
  'service', ARGV[4], 'event', event, 'source', ARGV[5], unpack(extra))
local ids, count = ARGV[1], 1
for id in string.gmatch(remembered, '%S+') do
  if count < tonumber(ARGV[2]) then ids, count = ids .. ' ' .. id, count + 1 end
end
redis.call('HSET', KEYS[3], 'last_toggles', ids)
if outcome == 'toggled' then redis.call('SET', KEYS[1], measuring and '1' or '0') end
return { outcome, measuring and 1 or 0 }
`;

const script = new Script(TOGGLE);

export interface ToggleRequest {
  readonly service: string;
  /** Who wants it: `button`, `command`, `dashboard`, ... */
  readonly source: string;
  /** Unique to this request, the same in every repetition; no blanks. */
  readonly id: string;
  /** Hash of the service, where the newest ids are remembered (field `last_toggles`). */
  readonly statusKey: string;
  /** How old the request is and may be; missing = carried out at any age. */
  readonly expiry?: {
    readonly ageMs: number;
    readonly maxAgeMs: number;
    /** Written to `events`, with `age_ms`, instead of toggling. */
    readonly event: string;
  };
}

export interface Toggled {
  /** `repeated`: carried out before, or found too old before. */
  readonly outcome: 'toggled' | 'repeated' | 'expired';
  /** After this request. */
  readonly measuring: boolean;
}

/** Flips `measurement:enabled`; rejects with Redis' or the connection's error: repeat with the same id. */
export async function toggleMeasuring(redis: Redis, request: ToggleRequest): Promise<Toggled> {
  const { expiry } = request;
  const reply = await script.run(
    redis,
    [KEYS.enabled.key, KEYS.events.key, request.statusKey],
    [
      request.id,
      REMEMBERED_IDS,
      KEEP_EVENTS,
      request.service,
      request.source,
      Math.round(expiry?.ageMs ?? 0),
      expiry?.maxAgeMs ?? 0,
      expiry?.event ?? '',
    ],
  );
  const [outcome, state] = reply as [Toggled['outcome'], number];
  return { outcome, measuring: state === 1 };
}
