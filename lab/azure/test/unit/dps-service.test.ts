import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import type { Delivery, DpsOperation } from '../../src/dps/call.ts';
import { POLICIES } from '../../src/dps/core/enrolment.ts';
import { Enrolments } from '../../src/dps/enrolments.ts';
import { DpsService } from '../../src/dps/service.ts';
import { DEFAULT_SETTINGS } from '../../src/dps/settings.ts';
import type { DpsSettings } from '../../src/dps/settings.ts';
import { EventLog } from '../../src/event-log.ts';
import { Faults } from '../../src/faults.ts';
import { HubRegistry } from '../../src/hub/registry.ts';
import type { JsonObject } from '../../src/json.ts';
import type { HubDirectory, HubRef } from '../../src/ports.ts';
import { createSas } from '../../src/sas.ts';

const KEY = Buffer.alloc(32, 3).toString('base64');
const ID = 'rover-1';

/** A service with the real registries of hubs nobody can connect to. */
class Bench {
  readonly clock = new ManualClock();
  readonly log = new EventLog(this.clock);
  readonly faults = new Faults(seededRandom(1), this.log);
  readonly enrolments = new Enrolments(() => this.clock.nowMs());
  readonly settings: DpsSettings;
  readonly hubs: HubDirectory;
  readonly service: DpsService;

  constructor(settings: Partial<DpsSettings> = {}) {
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
    const all = ['hub-a', 'hub-b', 'hub-c'].map(hubRef);
    this.hubs = { all, find: (wanted) => all.find(({ name }) => name === wanted) };
    const { clock, log, faults, hubs, enrolments } = this;
    this.service = new DpsService({
      clock,
      log,
      faults,
      hubs,
      enrolments,
      settings: this.settings,
    });
    this.enrolments.put({
      scope: 'individual',
      id: ID,
      deviceId: undefined,
      attestation: { kind: 'symmetric_key', primaryKey: KEY, secondaryKey: KEY },
      enabled: true,
      allocation: 'static',
      hubs: ['hub-a'],
      policy: 'migrate',
      initialTwin: { tags: { initial: true } },
      webhookUrl: undefined,
    });
  }

  async call(operation: DpsOperation, operationId = ''): Promise<JsonObject & { status: number }> {
    const { idScope } = this.settings;
    const resource = `${idScope}/registrations/${ID}`;
    const expiresSeconds = this.clock.nowMs() / 1_000 + 3_600;
    const delivery = await this.service.handle({
      operation,
      operationId,
      transport: 'http',
      idScope,
      registrationId: ID,
      apiVersion: '2021-06-01',
      presented: { sas: createSas({ resource, key: KEY, expiresSeconds }), chain: [] },
      body: JSON.stringify({ registrationId: ID }),
    });
    return answerOf(delivery);
  }

  /** Registers and waits for the end. @returns `registrationState` */
  async register(): Promise<JsonObject> {
    const { operationId } = await this.call('register');
    await this.service.settled();
    await this.clock.advance(60_000);
    const { registrationState } = await this.call('poll', operationId as string);
    return registrationState as JsonObject;
  }

  hubsThatKnowIt(): readonly HubRef[] {
    return this.hubs.all.filter(({ registry }) => registry.get(ID) !== undefined);
  }
}

function hubRef(name: string): HubRef {
  const registry = new HubRegistry({ changed: () => {}, desiredChanged: () => {} });
  return { name, host: name, registry, dropConnections: () => {} };
}

function answerOf(delivery: Delivery): JsonObject & { status: number } {
  assert.ok(delivery.kind === 'answer');
  const { answer } = delivery;
  const { status } = answer;
  return answer.kind === 'ok'
    ? { ...answer.body, status }
    : { errorCode: answer.errorCode, status };
}

test('whatever is decided, a device is known to one hub and keeps what its policy promises', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = seededRandom(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
    const bench = new Bench();
    await bench.register();
    for (let life = 1; life <= 12; life += 1) {
      const [home] = bench.hubsThatKnowIt();
      assert.ok(home !== undefined);
      home.registry.replaceTwin(ID, { tags: { lived: true }, reported: { life } });
      const policy = pick(POLICIES);
      const hub = pick(['hub-a', 'hub-b', 'hub-c']);
      bench.enrolments.change('individual', ID, { policy, hubs: [hub] });
      const state = await bench.register();

      const [now, ...others] = bench.hubsThatKnowIt();
      assert.equal(others.length, 0, 'one hub only');
      assert.equal(now?.name, policy === 'never' ? home.name : hub);
      assert.equal(state['assignedHub'], now.name);
      const { reported, tags } = now.registry.readTwin(ID);
      const expected = policy === 'reset' ? { reported: {}, tags: { initial: true } } : undefined;
      assert.deepEqual(
        { reported, tags },
        expected ?? { reported: { life }, tags: { lived: true } },
      );
    }
    assert.equal(bench.log.count('assigned'), 13);
    assert.equal(bench.log.count('registration'), 13);
  }
});

test('an operation is forgotten when its time is over', async () => {
  const bench = new Bench({ operationTtlMs: 120_000 });
  const { operationId } = await bench.call('register');
  await bench.service.settled();
  const status = async () => (await bench.call('poll', operationId as string)).status;
  await bench.clock.advance(119_000);
  assert.equal(await status(), 200);
  await bench.clock.advance(2_000);
  assert.equal(await status(), 404);
});

test('who waits as long as Retry-After says is let in, by the clock of the cloud', async () => {
  const bench = new Bench({ limits: { ...DEFAULT_SETTINGS.limits, registrationsPerMinute: 3 } });
  const status = async () => (await bench.call('register')).status;
  assert.deepEqual([await status(), await status(), await status()], [202, 202, 202]);
  assert.equal(await status(), 429);
  await bench.clock.advance(59_000);
  assert.equal(await status(), 429);
  await bench.clock.advance(1_000);
  assert.equal(await status(), 202);
  await bench.service.settled();
});

test('registrations of one device are worked on one after the other', async () => {
  const bench = new Bench();
  const answers = await Promise.all([1, 2, 3].map(() => bench.call('register')));
  await bench.service.settled();
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202, 202],
  );
  const substatuses = bench.log.of('assigned').map(({ substatus }) => substatus);
  const again = 'reprovisionedToInitialAssignment';
  assert.deepEqual(substatuses, ['initialAssignment', again, again]);
});

test('a device whose hub has forgotten it is made anew', async () => {
  const bench = new Bench();
  await bench.register();
  bench.hubs.find('hub-a')?.registry.delete(ID);
  const state = await bench.register();
  assert.equal(state['substatus'], 'initialAssignment');
  assert.equal(bench.hubsThatKnowIt().length, 1);
});

test('an allocation without a hub fails, and the device stays where it was', async () => {
  const bench = new Bench();
  await bench.register();
  bench.enrolments.change('individual', ID, { hubs: ['hub-z'] });
  const state = await bench.register();
  assert.deepEqual([state['status'], state['errorCode']], ['failed', 404210]);
  assert.deepEqual(
    bench.hubsThatKnowIt().map(({ name }) => name),
    ['hub-a'],
  );
  const lookup = await bench.call('lookup');
  assert.equal(lookup['status'], 200, 'the status of the answer');
});

test('a delay on demand follows the clock of the cloud', async () => {
  const bench = new Bench();
  bench.faults.add({ at: 'dps_register', action: { kind: 'pass' }, delayMs: 5_000 });
  let answered = false;
  const call = bench.call('register').then(() => {
    answered = true;
  });
  await bench.clock.advance(4_900);
  assert.equal(answered, false);
  await bench.clock.advance(200);
  await call;
  await bench.service.settled();
});
