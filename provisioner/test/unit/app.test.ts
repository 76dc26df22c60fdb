import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLog } from '@holdfast/kit';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { Provisioner } from '../../src/app.ts';
import type { DpsOutcome } from '../../src/core/outcome.ts';
import type { ProvisionerLog } from '../../src/events.ts';
import type { Dps, DpsRequest, StatusFields } from '../../src/ports.ts';
import { FakeStore } from '../fakes/fake-store.ts';
import { HOUR_MS, MINUTE_MS, RULES, START } from '../fakes/rules.ts';
import { HUB_A } from '../fakes/world.ts';

/** Answers when told to. */
class FakeDps implements Dps {
  readonly asked: DpsRequest[] = [];
  #answer: ((outcome: DpsOutcome) => void) | undefined;

  ask(request: DpsRequest): Promise<DpsOutcome> {
    this.asked.push(request);
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(answer: DpsOutcome['answer']): void {
    const { question = 'register' } = this.asked.at(-1) ?? {};
    this.#answer?.({ question, answer });
  }
}

class Bed {
  readonly clock = new ManualClock(START.wallMs, START.monotonicMs);
  readonly dps = new FakeDps();
  readonly store = new FakeStore();
  readonly lines: string[] = [];
  readonly events: string[] = [];
  status: StatusFields = {};
  /** How often the kernel was asked about its clock: each time is a process. */
  clockReads = 0;
  #stop = new AbortController();
  #running = Promise.resolve();

  start(): void {
    this.#stop = new AbortController();
    const parts = {
      settings: {
        rules: RULES,
        dps: undefined,
        hubKey: 'k',
        certfile: undefined,
        keyfile: undefined,
      },
      dps: this.dps,
      signer: {
        token: (host: string, id: string, endMs: number) => `${host}/${id} until ${endMs}`,
      },
      store: this.store,
      kernel: { bootId: 'b', clock: async () => (this.clockReads++, 'unknown' as const) },
      reports: {
        status: (fields: StatusFields) => (this.status = { ...this.status, ...fields }),
        event: (event: string) => this.events.push(event),
      },
      clock: this.clock,
      random: seededRandom(1),
      log: createLog<ProvisionerLog>('provisioner', this.clock, (line) => this.lines.push(line)),
    };
    this.#running = new Provisioner(parts, this.#stop.signal).run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(0);
    await this.#running;
  }

  get credentials() {
    const { given = 'none' } = this.store.written ?? {};
    return given === 'none' ? {} : given.credentials;
  }

  async provision(): Promise<void> {
    this.start();
    await this.clock.advance(10);
    this.dps.answer({ kind: 'assigned', registration: HUB_A });
    await this.clock.advance(10);
  }
}

describe('the loop', () => {
  test('asks, hands out, renews in time, and stops', async () => {
    const bed = new Bed();
    await bed.provision();
    assert.equal(
      bed.credentials['sas_token'],
      `${HUB_A.host}/d until ${START.wallMs + 10 + HOUR_MS}`,
    );
    await bed.clock.advance(46 * MINUTE_MS);
    const { sas_token: token = '', expires_ms: endMs } = bed.credentials;
    assert.ok(token.endsWith(`until ${endMs}`));
    assert.ok(Number(endMs) > START.wallMs + HOUR_MS + 44 * MINUTE_MS);
    assert.equal(bed.dps.asked.length, 1);
    assert.deepEqual(bed.events, ['provisioning_started', 'provisioned']);
    await bed.stop();
  });
  test('writes nothing while nothing changes', async () => {
    const bed = new Bed();
    await bed.provision();
    const { saves } = bed.store;
    await bed.clock.advance(40 * MINUTE_MS);
    assert.equal(bed.store.saves, saves);
    await bed.stop();
  });
  test('a question is stored before it is asked, and not asked while it cannot be', async () => {
    const bed = new Bed();
    bed.store.down = true;
    bed.start();
    await bed.clock.advance(10 * MINUTE_MS);
    assert.equal(bed.dps.asked.length, 0);
    bed.store.down = false;
    await bed.clock.advance(2_000);
    assert.equal(bed.dps.asked.length, 1);
    assert.equal(bed.store.written?.state['state'], 'registering');
    await bed.stop();
  });
  test('an answer that comes while Redis is away is kept', async () => {
    const bed = new Bed();
    bed.start();
    await bed.clock.advance(10);
    bed.store.down = true;
    bed.dps.answer({ kind: 'assigned', registration: HUB_A });
    await bed.clock.advance(HOUR_MS);
    bed.store.down = false;
    await bed.clock.advance(2_000);
    assert.equal(bed.credentials['host'], HUB_A.host);
    // An hour is longer than the token lived: it was signed anew at once.
    assert.ok(Number(bed.credentials['expires_ms']) > bed.clock.nowMs());
    assert.equal(bed.dps.asked.length, 1);
    await bed.stop();
  });
  test('what is wiped is written again within a second or so', async () => {
    const bed = new Bed();
    await bed.provision();
    const before = bed.credentials;
    bed.store.wipe();
    await bed.clock.advance(1_100);
    assert.deepEqual(bed.credentials, before);
    await bed.stop();
  });
  test('a request is taken and asked', async () => {
    const bed = new Bed();
    await bed.provision();
    await bed.clock.advance(2 * MINUTE_MS);
    bed.store.request = '1 button';
    await bed.clock.advance(1_100);
    assert.equal(bed.store.request, undefined);
    assert.equal(bed.dps.asked.length, 2);
    await bed.stop();
  });
  test('a refusal that stands for hours is one look at the clock of the kernel, not one a second', async () => {
    const bed = new Bed();
    await bed.provision();
    const refusal = { generation: 1, detail: '', heldMs: 0, state: 'failed' } as const;
    bed.store.report = { ...refusal, attempt: 1, atMs: 1, outcome: 'connack_5' };
    await bed.clock.advance(10 * MINUTE_MS);
    assert.equal(bed.clockReads, 1);
    assert.equal(bed.status['state'], 'hub_refused');
    bed.store.report = { ...refusal, attempt: 2, atMs: 2, outcome: 'connack_5' };
    await bed.clock.advance(10 * MINUTE_MS);
    assert.equal(bed.clockReads, 2);
    bed.store.report = { ...refusal, generation: 7, attempt: 3, atMs: 3, outcome: 'connack_5' };
    await bed.clock.advance(10 * MINUTE_MS);
    assert.equal(bed.clockReads, 2);
    await bed.stop();
  });
  test('a damaged memory is logged and not gone on from, and the assignment is kept', async () => {
    const bed = new Bed();
    await bed.provision();
    await bed.stop();
    const { state = {}, given = 'none' } = bed.store.written ?? {};
    const memory = '{"dps":{"name":"resting"},"failures":0}';
    bed.store.written = { state: { ...state, memory }, given };
    bed.lines.length = 0;
    bed.start();
    await bed.clock.advance(10);
    const [line, ...more] = bed.lines.filter((text) => text.includes('memory_damaged'));
    assert.match(line ?? '', /"level":"warn".*provisioning:state.*resting/);
    assert.deepEqual(more, []);
    assert.equal(bed.credentials['host'], HUB_A.host);
    assert.equal(bed.dps.asked.length, 1);
    await bed.stop();
  });
  test('a failure that repeats for hours does not fill the log or the time line', async () => {
    const bed = new Bed();
    bed.start();
    for (let i = 0; i < 4 * 60; i += 1) {
      await bed.clock.advance(MINUTE_MS);
      bed.dps.answer({ kind: 'refused', status: 503, message: 'status 503' });
    }
    await bed.clock.advance(10);
    assert.ok(bed.dps.asked.length > 12);
    assert.ok(bed.lines.length < 12, `${bed.lines.length} lines`);
    assert.deepEqual(bed.events, ['provisioning_started', 'provisioning_waiting']);
    await bed.stop();
  });
});
