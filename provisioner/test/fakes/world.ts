/**
 * A device in simulated time: the state machine, a stored state that survives restarts, a DPS and a
 * hub that answer as told, and an mqtthandler that tries the hub as the real one does. Keeps a log of
 * every request, as the service would see it.
 */
import type { Random } from '@holdfast/kit';
import { decode, encodeAssignment, encodeState } from '../../src/core/codec.ts';
import type { Fields } from '../../src/core/codec.ts';
import { step, wakeAtMs } from '../../src/core/machine.ts';
import type { Event } from '../../src/core/machine.ts';
import type {
  Answer,
  DpsOutcome,
  HubOutcome,
  HubReport,
  KernelClock,
  Question,
} from '../../src/core/outcome.ts';
import type { Rules } from '../../src/core/rules.ts';
import { emptyState, publicState, signingMs } from '../../src/core/state.ts';
import type { Effect, Now, State } from '../../src/core/state.ts';

export interface Asked {
  readonly atMs: number;
  readonly question: Question;
  /** Why, and after which wait, as the state said it before. */
  readonly reason: string;
  readonly signedMs: number;
}

export type Dps = (question: Question, world: World) => Answer | DpsOutcome;
export type Hub = (world: World) => HubOutcome;

export const HUB_A = {
  host: 'a.azure-devices.net',
  deviceId: 'd',
  substatus: '',
  etag: '',
  payload: '',
};
export const HUB_B = { ...HUB_A, host: 'b.azure-devices.net' };
export const toA: Answer = { kind: 'assigned', registration: HUB_A };
export const toB: Answer = { kind: 'assigned', registration: HUB_B };

export class World {
  rules: Rules;
  readonly random: Random;
  dps: Dps;
  hub: Hub = () => 'ok';
  kernelClock: KernelClock = 'unknown';
  /** How long DPS takes to answer. */
  latencyMs = 200;
  now: Now;
  state: State;
  readonly asked: Asked[] = [];
  readonly told: { event: string; fields: Readonly<Record<string, string | number>> }[] = [];
  readonly states = new Set<string>();
  readonly published: { atMs: number; host: string; generation: number }[] = [];
  withdrawn = 0;
  /** `not_before_ms` as the mqtthandler reads it, by the wall clock. */
  notBeforeMs = 0;
  #stored: Fields = {};
  #assignment: Fields = {};
  #boot = 1;
  #attempt = 0;
  #link: HubReport | undefined;
  #reported = 0;
  #hubAtMs = 0;
  #connected = false;
  #connectedMs = 0;
  #answer: { atMs: number; question: Question } | undefined;

  constructor(rules: Rules, now: Now, random: Random, dps: Dps) {
    this.rules = rules;
    this.now = now;
    this.random = random;
    this.dps = dps;
    this.state = emptyState(now);
  }

  get registrations(): Asked[] {
    return this.asked.filter(({ question }) => question === 'register');
  }

  start(): void {
    const boot = `boot-${this.#boot}`;
    const stored = decode(this.#stored, this.#assignment, 0, this.now, boot);
    this.state = emptyState(this.now);
    this.do({ name: 'start', stored });
    this.#deliver();
    this.do({ name: 'tick' });
  }

  /** The process is killed and comes back; what was under way is lost. */
  restart(downMs = 1_000): void {
    this.#answer = undefined;
    this.pass(downMs);
    this.start();
  }

  reboot(downMs = 20_000): void {
    this.#answer = undefined;
    this.#boot += 1;
    this.#connected = false;
    // The monotonic clock begins again; what the test measures with does not.
    this.pass(downMs);
    this.start();
  }

  wipeRedis(): void {
    this.#stored = {};
    this.#assignment = {};
  }

  pass(ms: number): void {
    this.now = { wallMs: this.now.wallMs + ms, monotonicMs: this.now.monotonicMs + ms };
  }

  jumpWall(ms: number): void {
    this.now = { ...this.now, wallMs: this.now.wallMs + ms };
    this.do({ name: 'tick' });
  }

  request(source = 'button'): void {
    this.do({ name: 'request', request: `${this.now.wallMs} ${source}` });
    this.do({ name: 'tick' });
  }

  do(event: Event): void {
    const before = this.state;
    const { state, effects } = step(this.rules, before, event, this.now, this.random);
    this.state = state;
    this.states.add(publicState(state));
    // Written before anything is done, as the service does it.
    this.#stored = encodeState(state, this.rules.settings, this.now, `boot-${this.#boot}`);
    for (const effect of effects) this.#carryOut(effect, before);
  }

  /** Runs until `forMs` have passed. */
  run(forMs: number): void {
    const untilMs = this.now.monotonicMs + forMs;
    for (let turns = 0; ; turns += 1) {
      if (turns > 200_000) throw new Error('the machine spins');
      const nextMs = Math.min(
        wakeAtMs(this.state),
        this.#answer?.atMs ?? Infinity,
        this.#nextHubMs(),
      );
      if (nextMs > untilMs) break;
      this.pass(Math.max(0, nextMs - this.now.monotonicMs));
      this.#turn();
    }
    this.pass(untilMs - this.now.monotonicMs);
  }

  /** The hub closes the connection now. */
  dropConnection(outcome: HubOutcome = 'network'): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#hubAtMs = this.now.monotonicMs + 60_000;
    this.#report('lost', outcome, this.now.monotonicMs - this.#connectedMs);
  }

  get connected(): boolean {
    return this.#connected;
  }

  #turn(): void {
    const { monotonicMs } = this.now;
    if (this.#answer !== undefined && this.#answer.atMs <= monotonicMs) {
      const { question } = this.#answer;
      this.#answer = undefined;
      const said = this.dps(question, this);
      const outcome = 'kind' in said ? { question, answer: said } : said;
      this.do({ name: 'answer', outcome });
    }
    if (this.#nextHubMs() <= monotonicMs) this.#tryHub();
    this.do({ name: 'tick' });
  }

  #nextHubMs(): number {
    if (this.state.assignment === undefined || this.#connected) return Infinity;
    const { wallMs, monotonicMs } = this.now;
    // Whole milliseconds: less than that is lost in a number as large as the wall clock's.
    const waitMs = Math.max(0, Math.ceil(this.notBeforeMs - wallMs));
    return Math.max(this.#hubAtMs, monotonicMs + waitMs);
  }

  #tryHub(): void {
    const outcome = this.hub(this);
    this.#hubAtMs = this.now.monotonicMs + 60_000 + 30_000 * this.random.next();
    if (outcome === 'dropped') {
      this.#report('connected', 'ok', 0);
      this.#report('lost', 'dropped', 3_000);
    } else if (outcome === 'ok') {
      this.#connected = true;
      this.#connectedMs = this.now.monotonicMs;
      this.#report('connected', 'ok', 0);
    } else {
      this.#report('failed', outcome, 0);
    }
  }

  #report(state: 'connected' | 'failed' | 'lost', outcome: HubOutcome, heldMs: number): void {
    this.#attempt += 1;
    const { generation } = this.state;
    this.#link = {
      generation,
      attempt: this.#attempt,
      atMs: this.now.wallMs,
      state,
      outcome,
      detail: 'simulated',
      heldMs,
    };
    this.#deliver();
  }

  /** A report stands until the next one: a service that starts reads it again. */
  #deliver(): void {
    if (this.#link === undefined) return;
    this.do({ name: 'hub', report: this.#link, kernelClock: this.kernelClock });
  }

  #carryOut(effect: Effect, before: State): void {
    const atMs = this.now.monotonicMs;
    switch (effect.name) {
      case 'ask': {
        const { dps } = before;
        const reason = 'reason' in dps ? dps.reason : '';
        const signedMs = signingMs(this.state, this.now);
        this.asked.push({ atMs, question: effect.question, reason, signedMs });
        this.#answer = { atMs: atMs + this.latencyMs, question: effect.question };
        return;
      }
      case 'publish': {
        const { assignment, generation, hubNotBeforeMs } = this.state;
        if (assignment === undefined) throw new Error('nothing to publish');
        this.published.push({ atMs, host: assignment.host, generation });
        this.notBeforeMs = this.now.wallMs + Math.max(0, hubNotBeforeMs - atMs);
        this.#assignment = encodeAssignment(assignment, generation);
        if (generation !== this.#reported) {
          this.#reported = generation;
          this.#connected = false;
          this.#hubAtMs = atMs;
        }
        return;
      }
      case 'withdraw':
        this.withdrawn += 1;
        this.#assignment = {};
        return;
      case 'take_request':
        return;
      case 'tell':
        this.told.push(effect);
        return;
    }
  }
}
