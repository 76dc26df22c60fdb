/** Runs the lanes of a session, or tests suspects one at a time; decides nothing about the link. */
import { FIRST_ID } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { Bell } from './bell.ts';
import { gapsOf } from './core/gap.ts';
import { edgesOf, spansOf } from './core/span.ts';
import { extentOf } from './core/batch.ts';
import { NOTHING_LEARNED, learnSize, learnedLimitBytes } from './core/learned-size.ts';
import { subtract } from './core/progress.ts';
import { previousId } from './core/previous-id.ts';
import { WATCHING, nextSuspect, quarantineStep, wantsProbe } from './core/quarantine.ts';
import type { QuarantineEvent, QuarantineState } from './core/quarantine.ts';
import type { Message } from './core/message.ts';
import type { Flight, Stretch } from './flight.ts';
import type { ForwarderParts } from './forwarder-parts.ts';
import { HoleWatch } from './hole-watch.ts';
import { backlogLane, gapLane, liveLane } from './lanes.ts';
import type { LaneContext, SentMessage } from './lane-context.ts';
import type { Pacer } from './pacer.ts';
import type { PublishOutcome, Session } from './ports.ts';
import type { Slots } from './slots.ts';
import type { Tally } from './tally.ts';

/** After the destination has said "later". */
const LATER_MS = 2_000;
/** "Later" for the same reason within this time after the last one is no news. */
const LATER_KNOWN_MS = 60_000;

/** It takes fewer to find one bad reading in a message; a destination that takes nothing fails them all. */
const HURRIED_ATTEMPTS = 12;

export class LaneRunner {
  readonly #parts: ForwarderParts;
  readonly #flight: Flight;
  readonly #tally: Tally;
  readonly #moreWork: Bell;
  readonly #holes: HoleWatch;
  readonly #gapsUnderway = new Set<string>();
  #quarantine: QuarantineState = WATCHING;
  #probedUpTo: string = FIRST_ID;
  #size = NOTHING_LEARNED;
  #endPass = new AbortController();
  #pauseMs = 0;
  #saidLater = { code: '', atMs: -Infinity };

  constructor(parts: ForwarderParts, flight: Flight, tally: Tally, moreWork: Bell) {
    this.#parts = parts;
    this.#flight = flight;
    this.#tally = tally;
    this.#moreWork = moreWork;
    this.#holes = new HoleWatch(parts, tally, moreWork, flight);
  }

  /** Whether suspects are being tested, one message at a time. */
  get testing(): boolean {
    return this.#quarantine.kind === 'testing';
  }

  /** Whether a test is worth a quick attempt; `attempt` counts those since something was acknowledged. */
  hurries(attempt: number): boolean {
    return this.testing && attempt <= HURRIED_ATTEMPTS;
  }

  /** To be called before the state is read that a pass begins with: a later change ends the pass. */
  preparePass(): void {
    this.#endPass = new AbortController();
  }

  /** Ends the pass prepared or under way; the next one begins from the state as it is then. */
  endPass(): void {
    this.#endPass.abort();
  }

  sessionEnded(underway: readonly Stretch[], acknowledged: number): void {
    this.#tally.retriedMessages += underway.length;
    this.#gapsUnderway.clear();
    void this.#judge({ kind: 'session_ended', underway, acknowledged });
  }

  /** A session that we ended ourselves proves nothing against what was under way. */
  sessionClosed(): void {
    this.#gapsUnderway.clear();
  }

  /** One pass; rejects with Redis' error. */
  async pass(
    session: Session,
    slots: Slots,
    pacer: Pacer,
    { intervalSeconds, onIdle }: Pick<LaneContext, 'intervalSeconds' | 'onIdle'>,
    stop: AbortSignal,
  ): Promise<void> {
    await this.#parts.clock.sleepMs(this.#pauseMs, stop);
    this.#pauseMs = 0;
    const signal = AbortSignal.any([stop, this.#endPass.signal]);
    const context = this.#context(session, slots, pacer, { intervalSeconds, onIdle });
    const lanes = this.testing
      ? [this.#testSuspects(context, signal)]
      : [liveLane(context, signal), gapLane(context, signal)];
    if (!this.testing && context.settings.lanes === 2) lanes.push(backlogLane(context, signal));
    const { commandLane } = this.#parts;
    if (!this.testing && commandLane !== undefined) lanes.push(commandLane(context, signal));
    let failure: unknown;
    const running = lanes.map((lane) =>
      lane.catch((error: unknown) => {
        failure ??= error;
        this.endPass();
      }),
    );
    await Promise.all(running);
    if (failure !== undefined) throw failure;
  }

  #context(
    session: Session,
    slots: Slots,
    pacer: Pacer,
    { intervalSeconds, onIdle }: Pick<LaneContext, 'intervalSeconds' | 'onIdle'>,
  ): LaneContext {
    const { clock, readings, ledger, packer, settings, readLive } = this.#parts;
    return {
      clock,
      readings,
      ledger,
      packer,
      settings,
      session,
      maxMessageBytes: () => {
        const learned = learnedLimitBytes(this.#size, clock.monotonicMs());
        return Math.min(session.maxPayloadBytes, learned);
      },
      slots,
      pacer,
      intervalSeconds,
      readLive,
      flight: this.#flight,
      gapsUnderway: this.#gapsUnderway,
      moreWork: this.#moreWork,
      onRead: (lane, after, read, end) => this.#holes.onRead(lane, after, read, end),
      onOutcome: (sent, outcome) => this.#onOutcome(sent, outcome),
      onTooLarge: (id, stretch) => this.#tooLarge(id, stretch),
      onIdle,
      onBehind: () => {
        // The next pass parts the lanes.
        this.endPass();
        return Promise.resolve();
      },
    };
  }

  #onOutcome(sent: SentMessage, outcome: PublishOutcome): void {
    const { message, stretch } = sent;
    this.#tally.sentMessages += 1;
    this.#tally.sentReadings += message.count;
    this.#tally.sentBytes += message.bytes;
    switch (outcome.kind) {
      case 'acknowledged':
        this.#acknowledged(sent);
        break;
      case 'refused':
        if (stretch !== undefined) void this.#refused(stretch);
        break;
      case 'later':
        this.#tellLater(outcome.code);
        if (stretch !== undefined) this.#flight.release(stretch);
        for (const id of sent.gapIds) this.#gapsUnderway.delete(id);
        this.#pauseMs = LATER_MS;
        this.endPass();
        break;
      case 'lost':
        // The session has ended; whoever runs it lands everything that was under way.
        break;
    }
  }

  /** A topic that is denied looks like a quiet stream: somebody must be told. */
  #tellLater(code: string): void {
    const { clock, report, destination } = this.#parts;
    const before = this.#saidLater;
    const atMs = clock.monotonicMs();
    this.#saidLater = { code, atMs };
    if (before.code === code && atMs - before.atMs < LATER_KNOWN_MS) return;
    report('warn', 'sending_refused', { destination: destination.name, code });
  }

  #acknowledged(sent: SentMessage): void {
    const { lane, message, stretch, gapIds } = sent;
    this.#tally.acknowledgedMessages += 1;
    if (stretch === undefined) {
      this.#tally.gapsDelivered += gapIds.length;
      // A gap record that cannot be deleted now is delivered again later: the receiver knows it.
      void this.#parts.ledger
        .deleteGaps(gapIds)
        .catch(() => {})
        .then(() => gapIds.forEach((id) => this.#gapsUnderway.delete(id)));
      return;
    }
    this.#tally.acknowledgedReadings += message.count;
    if (lane === 'live') this.#tally.acknowledgedLive += message.count;
    else this.#tally.acknowledgedBacklog += message.count;
    this.#flight.settle(stretch, message.edges);
  }

  async #refused(stretch: Stretch): Promise<void> {
    await this.#judge({ kind: 'refused', sent: stretch });
    this.#flight.release(stretch);
    this.endPass();
  }

  /** Lets the quarantine decide, and records what it condemns. */
  async #judge(event: QuarantineEvent): Promise<void> {
    const { state, condemned } = quarantineStep(this.#quarantine, event);
    this.#quarantine = state;
    if (condemned === undefined) return;
    const stretch = { ...condemned };
    try {
      const [entry] = await this.#parts.readings.range(stretch.after, stretch.upTo, 1);
      if (entry === undefined) this.#flight.settle(stretch, undefined);
      else await this.#putAside(entry, stretch, 'refused');
    } catch {
      // Redis is away: the reading stays pending and is judged again.
    }
  }

  async #tooLarge(id: string, stretch: Stretch): Promise<void> {
    const [entry] = await this.#parts.readings.range(previousId(id), id, 1);
    // Gone meanwhile: the next read finds what is missing.
    if (entry === undefined) this.#flight.release(stretch);
    else await this.#putAside(entry, stretch, 'too_large');
  }

  async #putAside(
    entry: StreamEntry,
    stretch: Stretch,
    reason: 'too_large' | 'refused',
  ): Promise<void> {
    const { ledger, packer, report, destination } = this.#parts;
    const [gap] = gapsOf([entry], reason);
    if (gap !== undefined) await ledger.putAside(entry, gap);
    this.#tally.gapReadings += 1;
    const [id] = entry;
    if (reason === 'too_large') {
      const bytes = Buffer.byteLength(packer.render(entry));
      report('warn', 'reading_too_large', { destination: destination.name, id, bytes });
    } else {
      report('warn', 'reading_refused', { destination: destination.name, id });
    }
    this.#flight.settle(stretch, edgesOf(spansOf([entry])));
    this.#moreWork.ring();
  }

  /** One suspect at a time, until none is left or the session ends. */
  async #testSuspects(context: LaneContext, signal: AbortSignal): Promise<void> {
    const { readings, packer, session } = context;
    while (!signal.aborted && this.#quarantine.kind === 'testing') {
      if (wantsProbe(this.#quarantine)) await this.#addProbe();
      const suspect = nextSuspect(this.#quarantine);
      if (suspect === undefined) return;
      const { entries, exhausted } = await readings.chunk(
        suspect.after,
        suspect.upTo,
        suspect.limit,
      );
      const isWhole = exhausted || entries.at(-1)?.[0] === suspect.upTo;
      const end = isWhole ? suspect.upTo : undefined;
      await context.onRead('live', suspect.after, extentOf(entries), end);
      const limits = { maxBytes: session.maxPayloadBytes, maxReadings: suspect.limit };
      const [message] = packer.pack(entries, limits);
      if (message === undefined) {
        await this.#judge({ kind: 'gone', sent: suspect });
        continue;
      }
      const whole = exhausted && message.count === entries.length;
      const upTo = whole ? suspect.upTo : message.lastId;
      const stretch = { after: suspect.after, upTo, count: message.count };
      if (!this.#flight.claim(stretch, message)) {
        await this.#judge({ kind: 'gone', sent: stretch });
        continue;
      }
      const outcome = await session.publish(message.payload, message);
      this.#learn(message, outcome);
      this.#onOutcome({ lane: 'backlog', message, stretch, gapIds: [] }, outcome);
      if (outcome.kind === 'acknowledged') await this.#judge({ kind: 'passed', sent: stretch });
      if (outcome.kind !== 'acknowledged') return;
    }
  }

  #learn(message: Message, { kind }: PublishOutcome): void {
    if (kind === 'later') return;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#size = learnSize(this.#size, message, kind === 'acknowledged', nowMs);
  }

  /**
   * The next reading that is under no suspicion, if there is one. Behind the last probe first: those
   * that were let go must not come again before all others had their turn.
   */
  async #addProbe(): Promise<void> {
    if (this.#quarantine.kind !== 'testing') return;
    let free = this.#flight.available;
    for (const { after, upTo } of this.#quarantine.suspects) free = subtract(free, after, upTo);
    const behind = subtract(free, FIRST_ID, this.#probedUpTo);
    for (const range of [...behind, ...free]) {
      const [entry] = await this.#parts.readings.range(range.after, range.upTo, 1);
      if (entry === undefined) continue;
      this.#probedUpTo = entry[0];
      const sent = { after: range.after, upTo: entry[0], count: 1 };
      await this.#judge({ kind: 'probe', sent });
      return;
    }
  }
}
