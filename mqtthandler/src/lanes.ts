/**
 * The lanes of one destination: each reads its part of what is available and sends it.
 *
 * - live: the open range, where new readings arrive. It waits for them without polling.
 * - backlog: the closed ranges, oldest or newest first.
 * - single (LANES=1): all ranges in order, the open one last.
 * - gaps: the gap records, which go first of all: a loss is told as soon as it can be.
 *
 * A lane holds no position: what is acknowledged and what is under way (`Flight`) say what is next.
 */
import { FIRST_ID } from '@holdfast/redis';
import { batchOf } from './core/batch.ts';
import type { Batch } from './core/batch.ts';
import type { Message, PackLimits } from './core/message.ts';
import { CURSOR_LOOK_MS, gatherMs } from './core/pace.ts';
import { openRange } from './core/progress.ts';
import type { Range } from './core/progress.ts';
import { previousId } from './core/previous-id.ts';
import type { Stretch } from './flight.ts';
import type { LaneContext, LaneName, SentMessage } from './lane-context.ts';
import type { PackedBatch } from './ports.ts';

/** The first of what has arrived; a busy stream is then read in larger chunks. */
const TAIL_READINGS = 10;
const NOTHING = batchOf([], true);
/** So many full reads in a row mean that the live lane runs behind. */
const BEHIND_READS = 20;

/** How the live lane is getting on. */
interface LivePace {
  lastSendMs: number;
  /** Reads in a row that did not reach the end of the stream. */
  fullReads: number;
  /** A read found several readings, and none since was empty: more are on their way. */
  busy: boolean;
}

/** New readings, at once or gathered; with LANES=1 everything, in order. */
export async function liveLane(context: LaneContext, signal: AbortSignal): Promise<void> {
  const { flight, clock, settings } = context;
  const single = settings.lanes === 1;
  const pace: LivePace = { lastSendMs: -Infinity, fullReads: 0, busy: false };
  while (!signal.aborted) {
    const available = flight.available;
    const range = single ? available[0] : openRange(available);
    if (range.upTo !== null) {
      const read = await readClosed(context, range);
      await sendRead(context, range, read.unpack(), 'live', signal);
      continue;
    }
    const batch = await (context.readLive?.(context, range.after, signal) ??
      readLive(context, range.after, pace, signal));
    pace.busy = batch.count > (pace.busy ? 0 : 1);
    if (batch.count === 0) continue;
    pace.fullReads = batch.exhausted ? 0 : pace.fullReads + 1;
    pace.lastSendMs = clock.monotonicMs();
    await send(context, 'live', batch, range.after, undefined, signal);
    if (!single && pace.fullReads >= BEHIND_READS) {
      pace.fullReads = 0;
      await context.onBehind();
    }
  }
}

/** Waits for new readings and gathers them; nothing when there are none for a while, or on abort. */
async function readLive(
  context: LaneContext,
  after: string,
  pace: LivePace,
  signal: AbortSignal,
): Promise<Batch> {
  const { readings, clock, settings } = context;
  const intervalSeconds = context.intervalSeconds();
  // Beside a backlog every message waits for others: no time is left for gathering.
  const backlog = context.flight.progress.length > 1;
  // A busy stream is looked at once per gathering time: being woken first would be work twice.
  const wake = !pace.busy || intervalSeconds > 0;
  const woken = wake ? await readings.tail(after, TAIL_READINGS, signal) : [];
  if (wake && woken.length === 0) {
    if (!signal.aborted) await context.onIdle();
    return NOTHING;
  }
  // A full read means that more waits behind it: no gathering until the end is reached.
  const sinceSendMs = clock.monotonicMs() - pace.lastSendMs;
  const waitMs = pace.fullReads > 0 ? 0 : gatherMs(sinceSendMs, intervalSeconds, backlog);
  // Even no time at all is a timer: a millisecond, and a wake-up.
  if (waitMs > 0) await gather(context, waitMs, signal);
  if (signal.aborted) return NOTHING;
  if (wake && waitMs === 0 && woken.length < TAIL_READINGS) {
    return batchOf(woken, true);
  }
  return (await readings.batch(after, null, settings.maxReadings)).unpack();
}

async function gather(context: LaneContext, waitMs: number, signal: AbortSignal): Promise<void> {
  let leftMs = waitMs;
  for (; leftMs > CURSOR_LOOK_MS && !signal.aborted; leftMs -= CURSOR_LOOK_MS) {
    await context.clock.sleepMs(CURSOR_LOOK_MS, signal);
    if (!signal.aborted) await context.onIdle();
  }
  await context.clock.sleepMs(leftMs, signal);
}

/** What is left from an outage, beside the live lane and within its own limits. */
export async function backlogLane(context: LaneContext, signal: AbortSignal): Promise<void> {
  const { flight, settings, moreWork } = context;
  let ahead: ReadAhead | undefined;
  while (!signal.aborted) {
    const closed = flight.available.filter((range) => range.upTo !== null);
    const range = settings.backlogOrder === 'oldest' ? closed[0] : closed.at(-1);
    if (range === undefined) {
      await moreWork.wait(signal);
      continue;
    }
    if (settings.backlogOrder === 'newest') {
      await sendNewest(context, range, signal);
      continue;
    }
    // The next range may begin where this one ends: only the end tells the two reads apart.
    const read = await (ahead?.after === range.after && ahead.upTo === range.upTo
      ? ahead.read
      : readClosed(context, range));
    ahead = readAhead(context, range, read);
    await sendRead(context, range, read.unpack(), 'backlog', signal);
  }
}

/** Losses, told as soon as they can be. */
export async function gapLane(context: LaneContext, signal: AbortSignal): Promise<void> {
  const { ledger, moreWork, settings } = context;
  let after = FIRST_ID;
  while (!signal.aborted) {
    const entries = await ledger.gaps(after, settings.maxReadings);
    const last = entries.at(-1);
    if (last === undefined) {
      await moreWork.wait(signal);
      continue;
    }
    after = last[0];
    // What an earlier pass of this session has sent is still waiting for its answer.
    const unsent = entries.filter(([id]) => !context.gapsUnderway.has(id));
    let sent = 0;
    for (const message of context.packer.pack(unsent, limitsOf(context))) {
      const gapIds = unsent.slice(sent, sent + message.count).map(([id]) => id);
      sent += message.count;
      const record = { lane: 'gaps', message, stretch: undefined, gapIds } as const;
      for (const id of gapIds) context.gapsUnderway.add(id);
      if (!(await publish(context, record, signal, false))) {
        for (const id of gapIds) context.gapsUnderway.delete(id);
      }
    }
  }
}

/** The next read of the backlog, begun while the last one is being rendered and sent. */
interface ReadAhead extends Range {
  readonly read: Promise<PackedBatch>;
}

function readAhead(
  context: LaneContext,
  range: Range,
  { lastId, exhausted }: PackedBatch,
): ReadAhead | undefined {
  if (lastId === undefined || exhausted) return undefined;
  const next = { after: lastId, upTo: range.upTo };
  const read = readClosed(context, next);
  // If nobody comes for it, its failure does not matter: the next read will fail too.
  read.catch(() => {});
  return { ...next, read };
}

function readClosed(context: LaneContext, range: Range): Promise<PackedBatch> {
  return context.readings.batch(range.after, range.upTo, context.settings.maxReadings);
}

/** Sends what was read from the start of a closed range. */
async function sendRead(
  context: LaneContext,
  range: Range,
  batch: Batch,
  lane: LaneName,
  signal: AbortSignal,
): Promise<void> {
  const isWhole = batch.exhausted || batch.lastId === range.upTo;
  const end = isWhole ? (range.upTo ?? undefined) : undefined;
  if (batch.count === 0 && end !== undefined) {
    await context.onRead(lane, range.after, batch, end);
    context.flight.skip(range.after, end);
  }
  await send(context, lane, batch, range.after, end, signal);
}

async function sendNewest(context: LaneContext, range: Range, signal: AbortSignal): Promise<void> {
  const upTo = range.upTo ?? FIRST_ID;
  const { maxReadings } = context.settings;
  const { entries, exhausted } = await context.readings.newest(range.after, upTo, maxReadings);
  const batch = batchOf(entries, exhausted);
  const { firstId } = batch;
  const after = firstId === undefined || exhausted ? range.after : previousId(firstId);
  if (firstId === undefined) {
    await context.onRead('backlog', after, batch, upTo);
    context.flight.skip(range.after, upTo);
  }
  await send(context, 'backlog', batch, after, upTo, signal);
}

/**
 * Packs what was read after `after` into messages and sends them; with `end` the last message stands
 * for everything up to there.
 */
async function send(
  context: LaneContext,
  lane: LaneName,
  batch: Batch,
  after: string,
  end: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (batch.count === 0) return;
  await context.onRead(lane, after, batch, end);
  const { packer, session } = context;
  const planned = plan(batch.pack(packer, limitsOf(context)), after, end);
  // Another one may have taken it while it was read (given up, acknowledged late): read again.
  const first = planned.findIndex(
    ({ stretch, message }) => !context.flight.claim(stretch, message),
  );
  const claimed = first === -1 ? planned : planned.slice(0, first);
  const unsent = new Set(claimed.map(({ stretch }) => stretch));
  try {
    for (const { message, stretch } of claimed) {
      if (message.count === 1 && message.bytes > session.maxPayloadBytes) {
        await context.onTooLarge(message.firstId, stretch);
      } else {
        const sent = { lane, message, stretch, gapIds: [] };
        if (!(await publish(context, sent, signal, lane === 'live'))) return;
      }
      unsent.delete(stretch);
    }
  } finally {
    // Also when Redis fails: what stays claimed would not be read again in this session.
    for (const stretch of unsent) context.flight.release(stretch);
  }
}

/** Which stretch of the stream each message stands for: together they leave no id out. */
function plan(
  messages: readonly Message[],
  after: string,
  end: string | undefined,
): { readonly message: Message; readonly stretch: Stretch }[] {
  let from = after;
  return messages.map((message, i) => {
    const { count, lastId } = message;
    const upTo = i === messages.length - 1 && end !== undefined ? end : lastId;
    const stretch = { after: from, upTo, count };
    from = upTo;
    return { message, stretch };
  });
}

/** Sends one message when a slot is free; false when `signal` aborts before. */
async function publish(
  context: LaneContext,
  sent: SentMessage,
  signal: AbortSignal,
  live: boolean,
): Promise<boolean> {
  if (sent.lane === 'backlog') await context.pacer.pass(sent.message.bytes, signal);
  if (!(await context.slots.take(live, signal))) return false;
  void context.session.publish(sent.message.payload, sent.message).then((outcome) => {
    context.slots.give(live);
    context.onOutcome(sent, outcome);
  });
  return true;
}

function limitsOf(context: LaneContext): PackLimits {
  return { maxBytes: context.maxMessageBytes(), maxReadings: context.settings.maxReadings };
}
