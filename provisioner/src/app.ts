/**
 * The loop of the provisioner: events go through the state machine, its state is stored, and only
 * then its effects are carried out. Nothing is asked while Redis cannot remember that it was.
 */
import { RepeatFilter, errorCode, errorMessage } from '@holdfast/kit';
import type { Clock, Log, Random } from '@holdfast/kit';
import { decode } from './core/codec.ts';
import { isNews } from './core/hub.ts';
import { step, wakeAtMs } from './core/machine.ts';
import type { Event } from './core/machine.ts';
import type { DpsOutcome } from './core/outcome.ts';
import { emptyState, nextAttempt, publicReason, publicState, signingMs } from './core/state.ts';
import type { Effect, Now, State } from './core/state.ts';
import type { ProvisionerLog } from './events.ts';
import type {
  Dps,
  DpsRequest,
  HubSigner,
  Inbox,
  Kernel,
  Reports,
  Store,
  Written,
} from './ports.ts';
import { give, stateFields, statusFields } from './record.ts';
import type { Settings } from './settings.ts';

/** Requests and reports are looked for this often. */
const LOOK_EVERY_MS = 1_000;
/** After an error of a Redis that is connected (its memory is full, say). */
const REDIS_RETRY_MS = 1_000;
/** Longer than any memory of ours. */
const DAMAGED_TEXT_LENGTH = 4_000;

export interface ProvisionerParts {
  readonly settings: Settings;
  /** Undefined when the assignment is fixed or nothing is configured. */
  readonly dps: Dps | undefined;
  readonly signer: HubSigner | undefined;
  readonly store: Store;
  readonly kernel: Kernel;
  readonly reports: Reports;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log<ProvisionerLog>;
}

export class Provisioner {
  readonly #parts: ProvisionerParts;
  readonly #signal: AbortSignal;
  #state: State;
  #written: Written = { state: {}, given: 'none' };
  /** What of the stored state has changed since it was written. */
  #remembered = '';
  #answers: DpsOutcome[] = [];
  #bell = new AbortController();
  #counts = { registrations: 0, polls: 0, lookups: 0, tokens: 0 };
  /** What repeats for days is logged when it begins and then now and then. */
  readonly #repeatedAnswers = new RepeatFilter(20);
  readonly #repeatedStates = new RepeatFilter(20);
  readonly #failures = new RepeatFilter();

  constructor(parts: ProvisionerParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#state = emptyState(this.#now());
    signal.addEventListener('abort', () => this.#bell.abort(), { once: true });
  }

  /** Runs until the signal; rejects only with bugs. */
  async run(): Promise<void> {
    const { store, kernel } = this.#parts;
    const loaded = await this.#redis(() => store.load());
    if (loaded === undefined) return;
    const { state, assignment, usedGeneration } = loaded;
    const stored = decode(state, assignment, usedGeneration, this.#now(), kernel.bootId);
    const { memory } = state;
    if (memory !== undefined && stored.memory === undefined) this.#toldDamaged(memory);
    await this.#feed({ name: 'start', stored });
    await this.#rewrite();
    let lookAtMs = 0;
    while (!this.#signal.aborted) {
      for (const outcome of this.#answers.splice(0)) await this.#onAnswer(outcome);
      if (this.#now().monotonicMs >= lookAtMs) {
        await this.#look();
        lookAtMs = this.#now().monotonicMs + LOOK_EVERY_MS;
      }
      await this.#feed({ name: 'tick' });
      await this.#sleepUntil(Math.min(lookAtMs, wakeAtMs(this.#state)));
    }
  }

  /** It is overwritten next: the log is the last place where it can be looked at. */
  #toldDamaged(memory: string): void {
    const text = memory.slice(0, DAMAGED_TEXT_LENGTH);
    this.#parts.log.warn('memory_damaged', { key: 'provisioning:state', text });
  }

  #now(): Now {
    const { clock } = this.#parts;
    return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }

  /** Until then, or until an answer comes. */
  async #sleepUntil(atMs: number): Promise<void> {
    if (this.#answers.length > 0 || this.#signal.aborted) return;
    this.#bell = new AbortController();
    await this.#parts.clock.sleepMs(atMs - this.#now().monotonicMs, this.#bell.signal);
  }

  async #look(): Promise<void> {
    const { store, kernel, log } = this.#parts;
    let inbox: Inbox;
    try {
      inbox = await store.inbox(this.#written);
    } catch (error) {
      this.#redisFailed(error);
      return;
    }
    if (!inbox.intact) {
      log.warn('rewritten', { why: 'Redis does not hold what was written' });
      await this.#rewrite();
    }
    const { request, report } = inbox;
    if (request !== undefined) await this.#feed({ name: 'request', request });
    // A report stands until the next attempt; asking the kernel starts a process.
    if (report === undefined || !isNews(this.#state, report)) return;
    const refused = report.state === 'failed' && /^connack_[245]$/.test(report.outcome);
    const kernelClock = refused ? await kernel.clock() : 'unknown';
    await this.#feed({ name: 'hub', report, kernelClock });
  }

  async #onAnswer(outcome: DpsOutcome): Promise<void> {
    const { log } = this.#parts;
    const { question, answer } = outcome;
    const words = answer.kind === 'refused' ? `refused ${answer.status}` : answer.kind;
    const error = 'message' in answer ? answer.message : '';
    if (this.#repeatedAnswers.shouldLog(`${question} ${words}`)) {
      log.info('answered', { question, answer: words, error });
    }
    await this.#feed({ name: 'answer', outcome });
  }

  async #feed(event: Event): Promise<void> {
    const { settings, random } = this.#parts;
    const before = this.#state;
    const now = this.#now();
    const { state, effects } = step(settings.rules, before, event, now, random);
    this.#state = state;
    await this.#save(effects, now);
    if (this.#signal.aborted) return;
    for (const effect of effects) await this.#carryOut(effect);
    if (state !== before) this.#report(before);
  }

  /** Stores the state when it has changed in what must survive, with what is given out. */
  async #save(effects: readonly Effect[], now: Now): Promise<void> {
    const { settings, signer, kernel } = this.#parts;
    const state = stateFields(this.#state, settings, now, kernel.bootId);
    const remembered = `${state['state']} ${state['reason']} ${state['memory']}`;
    const publish = effects.some(({ name }) => name === 'publish');
    const withdraw = effects.some(({ name }) => name === 'withdraw');
    if (remembered === this.#remembered && !publish && !withdraw) return;
    this.#remembered = remembered;
    let { given } = this.#written;
    if (withdraw) given = 'none';
    if (publish) {
      given = give(this.#state, settings, signer, now) ?? 'none';
      this.#told(given !== 'none' && this.#state.hub.failures === 0);
    }
    this.#written = { state, given };
    await this.#rewrite();
  }

  #told(worthALine: boolean): void {
    this.#counts.tokens += 1;
    const { assignment, generation } = this.#state;
    if (!worthALine || assignment === undefined) return;
    const { host, deviceId, kind } = assignment;
    this.#parts.log.info('credentials_given', { generation, host, deviceId, kind });
  }

  async #rewrite(): Promise<void> {
    await this.#redis(() => this.#parts.store.save(this.#written));
  }

  /** Repeats until Redis has done it; undefined when the service is told to stop before. */
  async #redis<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { store, clock } = this.#parts;
    while (!this.#signal.aborted) {
      await store.untilReachable(this.#signal);
      if (this.#signal.aborted) return undefined;
      try {
        const done = await work();
        this.#failures.reset();
        return done;
      } catch (error) {
        this.#redisFailed(error);
        await clock.sleepMs(REDIS_RETRY_MS, this.#signal);
      }
    }
    return undefined;
  }

  #redisFailed(error: unknown): void {
    const code = errorCode(error);
    if (!this.#failures.shouldLog(code)) return;
    this.#parts.log.warn('redis_error', { code, error: errorMessage(error) });
  }

  async #carryOut(effect: Effect): Promise<void> {
    const { store, reports, log } = this.#parts;
    switch (effect.name) {
      case 'ask':
        return this.#ask(effect);
      case 'take_request':
        await this.#redis(() => store.takeRequest(effect.request));
        return;
      case 'tell':
        log.info('step', { ...effect.fields, step: effect.event });
        reports.event(effect.event, effect.fields);
        return;
      case 'publish':
      case 'withdraw':
        // Written with the state.
        return;
    }
  }

  #ask({ question, operationId }: Extract<Effect, { name: 'ask' }>): void {
    const { dps } = this.#parts;
    if (dps === undefined) throw new Error('nobody can be asked');
    const counted = { register: 'registrations', poll: 'polls', lookup: 'lookups' } as const;
    this.#counts[counted[question]] += 1;
    const signMs = signingMs(this.#state, this.#now());
    const request: DpsRequest = { question, operationId, signMs };
    void dps.ask(request, this.#signal).then((outcome) => {
      this.#answers.push(outcome);
      this.#bell.abort();
    });
  }

  #report(before: State): void {
    const { reports, log } = this.#parts;
    const state = this.#state;
    const now = this.#now();
    reports.status({ ...statusFields(state, now), ...this.#counts });
    const [name, reason] = [publicState(state), publicReason(state)];
    if (name === publicState(before) && reason === publicReason(before)) return;
    const waitMs = (nextAttempt(state)?.atMs ?? now.monotonicMs) - now.monotonicMs;
    const retrying = state.failures > 0 && (name === 'registering' || name === 'looking_up');
    if (retrying || !this.#repeatedStates.shouldLog(`${name} ${reason}`)) return;
    log.info('state', {
      state: name,
      reason,
      attempt: state.failures,
      delayMs: Math.round(Math.max(0, waitMs)),
      error: state.lastError,
    });
  }
}
