/** Every row of the decision table for DPS, provoked over the wire. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cloud, FaultRule } from '@holdfast/azure-lab';
import { freePort, until } from '@holdfast/lab/servers';
import { DPS_ROWS } from '../../src/core/dps-rows.ts';
import { Bed, startTestCloud } from './bed.ts';
import { expiredServer } from './expired-server.ts';

const provoked = new Set<string>();

describe('DPS', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startTestCloud();
  });
  after(() => cloud.close());

  /** One row: what is done to the cloud, and what the provisioner makes of it. */
  function row(id: string, what: string, run: (bed: Bed) => Promise<void>, enrolment = {}): void {
    provoked.add(id);
    test(`${id}: ${what}`, async () => {
      await using bed = await Bed.create(cloud, enrolment);
      await run(bed);
    });
  }
  const fault = (rule: FaultRule) => cloud.faults.add(rule);
  const status = (code: number, more: Partial<FaultRule> = {}) =>
    fault({ at: 'dps_register', action: { kind: 'status', status: code }, ...more });

  row('assigned', 'registers once, hands out a token that opens the hub', async (bed) => {
    await bed.connect();
    assert.equal(bed.asked('registration').length, 1);
    const assignment = await bed.redis.client.hgetall('hub:assignment');
    assert.deepEqual(
      [assignment['host'], assignment['device_id'], assignment['source'], assignment['substatus']],
      [cloud.hub('hub-a').host, 'greenhouse-7', 'dps', 'initialAssignment'],
    );
    const { generation, kind, expires_ms: expires, renew_ms: renew } = await bed.hub.credentials();
    assert.deepEqual([generation, kind], ['1', 'sas']);
    assert.ok(Number(expires) > Number(renew) && Number(renew) > Date.now());
  });

  row('assigning', 'polls no faster than every two seconds', async (bed) => {
    cloud.dps.settings.pollsUntilAssigned = 2;
    bed.start();
    await bed.untilState('assigned');
    cloud.dps.settings.pollsUntilAssigned = 0;
    assert.deepEqual(
      bed.asked().map(({ event, status }) => `${event} ${status}`),
      ['registration 202', 'poll 202', 'poll 202', 'poll 200'],
    );
    for (const wait of bed.waits()) assert.ok(wait >= 1_950, `${wait}`);
  });

  row('assigning_too_long', 'is begun anew', async (bed) => {
    cloud.dps.settings.pollsUntilAssigned = 1_000;
    bed.start({ DPS_ASSIGNING_MINUTES: '0.05' });
    await bed.untilEvent('provisioning_waiting');
    cloud.dps.settings.pollsUntilAssigned = 0;
    await bed.untilState('assigned');
    assert.equal(bed.asked('registration').length, 2);
  });

  row(
    'clock_differs',
    'is told apart, and the next question is signed by the clock of DPS',
    async (bed) => {
      cloud.faults.clockOffsetMs = 2 * 3_600_000;
      bed.start({ DPS_INTERVAL_SECONDS: '2' });
      const waiting = await bed.untilState('clock_wrong', 'clock_differs');
      assert.ok(Number(waiting['next_attempt_ms']) > Date.now());
      await bed.untilState('assigned');
      assert.equal(bed.asked('registration').length, 2);
      assert.ok((bed.waits('registration')[0] ?? 0) >= 2_000);
      assert.equal(await bed.hub.attempt(), 'ok');
      const ahead = Number((await bed.status())['clock_ahead_ms']);
      assert.ok(Math.abs(ahead + 7_200_000) < 5_000, `${ahead}`);
    },
  );

  row('certificate_dates', 'is a matter of the clock too', async (bed) => {
    await using server = await expiredServer();
    bed.start({ DPS_ENDPOINT: `localhost:${server.port}`, DPS_CA_CERTS: server.caFile });
    await bed.untilState('clock_wrong', 'certificate_dates');
    await until('several attempts', () => server.connections >= 3);
    await bed.restart();
    await bed.untilState('assigned');
  });

  row(
    'key_refused',
    'is asked again slowly, also over restarts, until it is right',
    async (bed) => {
      const wrong = { DPS_SYMMETRIC_KEY: Buffer.alloc(32, 1).toString('base64') };
      bed.start({ ...wrong, DPS_REFUSED_RETRY_MINUTES: '1' });
      const { next_attempt_ms: next } = await bed.untilState('blocked', 'key_refused');
      assert.ok(Number(next) >= Date.now() + 55_000);
      for (let i = 0; i < 3; i += 1) {
        await bed.restart({ ...wrong, DPS_REFUSED_RETRY_MINUTES: '1' });
        await bed.process.untilLine(/"event":"started"/);
        await until('the state', async () => (await bed.status())['state'] === 'blocked');
      }
      const later = Number((await bed.state())['next_attempt_ms']) - Number(next);
      assert.ok(Math.abs(later) < 100, `moved by ${later} ms`);
      assert.equal(bed.asked().length, 1);
      await bed.restart();
      await bed.untilState('assigned');
    },
  );

  row('forbidden', 'is terminal: slow retry and a clear state', async (bed) => {
    const active = status(403);
    bed.start();
    const { last_error: error } = await bed.untilState('blocked', 'forbidden');
    assert.match(error ?? '', /403/);
    await bed.untilAsked(2, 'registration');
    assert.ok((bed.waits('registration')[0] ?? 0) >= 3_000);
    active.remove();
    await bed.untilState('assigned');
  });

  row('not_enrolled', 'is terminal, and asked at once on request', async (bed) => {
    status(404, { count: 1 });
    bed.start({ DPS_REFUSED_RETRY_MINUTES: '10' });
    await bed.untilState('blocked', 'not_enrolled');
    await bed.redis.client.set('provisioning:request', `${Date.now()} button`);
    await bed.untilState('assigned');
    assert.equal(await bed.redis.client.get('provisioning:request'), null);
    assert.equal((await bed.untilEvent('reprovision_taken'))['source'], 'button');
  });

  row(
    'disabled',
    'is terminal',
    async (bed) => {
      bed.start();
      const { last_error: error } = await bed.untilState('blocked', 'disabled');
      assert.match(error ?? '', /^disabled/);
    },
    { provisioningStatus: 'disabled' },
  );

  row('failed', 'of a custom allocation is terminal', async (bed) => {
    const json = { registrationId: 'greenhouse-7', iotHubs: ['hub-a'] };
    const { attestation } = cloud.dps.enrol(json, () => {
      throw new Error('no hub for you');
    });
    const key = attestation.kind === 'symmetric_key' ? attestation.primaryKey : '';
    bed.start({ DPS_SYMMETRIC_KEY: key });
    await bed.untilState('blocked', 'failed');
  });

  row('request_refused', 'is terminal', async (bed) => {
    status(400);
    bed.start();
    await bed.untilState('blocked', 'request_refused');
  });

  for (const as of ['seconds', 'date'] as const) {
    row(
      'throttled',
      `with Retry-After in ${as} is never asked earlier, whoever comes`,
      async (bed) => {
        status(429, {
          count: 1,
          action: { kind: 'status', status: 429, retryAfter: { seconds: 6, as } },
        });
        bed.start();
        await bed.untilState('waiting', 'throttled');
        await bed.redis.client.set('provisioning:request', `${Date.now()} button`);
        await bed.untilState('waiting', 'requested');
        for (let i = 0; i < 3; i += 1) {
          await bed.restart();
          await bed.process.untilLine(/"event":"started"/);
        }
        await bed.untilState('assigned');
        // A date has whole seconds.
        assert.ok((bed.waits('registration')[0] ?? 0) >= (as === 'date' ? 5_000 : 6_000));
        assert.equal(bed.asked('registration').length, 2);
      },
    );
  }

  row('throttled_without_time', 'waits by the fleet formula, from a second on', async (bed) => {
    status(429, { count: 2 });
    bed.start();
    await bed.untilState('assigned', undefined, 30_000);
    const [first = 0, second = 0] = bed.waits('registration');
    assert.ok(first >= 1_000 && second >= 2_000, `${first} ${second}`);
  });

  row('throttled', 'while polling only puts the poll off', async (bed) => {
    const retryAfter = { seconds: 3 };
    fault({ at: 'dps_poll', count: 1, action: { kind: 'status', status: 429, retryAfter } });
    bed.start();
    await bed.untilState('assigned');
    assert.equal(bed.asked('registration').length, 1);
    assert.ok((bed.waits('poll')[0] ?? 0) >= 3_000);
  });

  for (const code of [500, 503]) {
    row('dps_busy', `with ${code} is asked again exponentially`, async (bed) => {
      status(code, { count: 4 });
      bed.start();
      await bed.untilState('assigned');
      bed.waits('registration').forEach((wait, i) => {
        assert.ok(wait >= Math.min(2_000, 200 * 2 ** i) - 20, `${i}: ${wait}`);
      });
      assert.equal(bed.asked('registration').length, 5);
    });
  }

  row('operation_lost', 'begins anew', async (bed) => {
    fault({ at: 'dps_poll', count: 1, action: { kind: 'status', status: 404 } });
    bed.start();
    await bed.untilState('assigned');
    assert.equal(bed.asked('registration').length, 2);
  });

  row('unreadable', 'is no answer of DPS', async (bed) => {
    const action = { kind: 'body', text: '<html>please log in</html>' } as const;
    const active = fault({ at: 'dps_register', action });
    bed.start();
    await bed.untilState('waiting', 'unreadable');
    active.remove();
    await bed.untilState('assigned');
  });

  for (const kind of ['close', 'process_and_close', 'hang'] as const) {
    row('dps_unreachable', `after ${kind} in the middle is asked again`, async (bed) => {
      fault({ at: 'dps_register', count: 2, action: { kind } });
      bed.start({ DPS_ANSWER_SECONDS: '3' });
      await bed.untilState('assigned', undefined, 40_000);
      assert.ok(bed.asked('registration').length <= 3);
      const failed = bed.logged.filter((line) => /"answer":"unreachable"/.test(line));
      assert.ok(failed.length > 0);
    });
  }

  row('dps_unreachable', 'for want of a server, a name, or trust', async (bed) => {
    for (const more of [
      { DPS_ENDPOINT: `localhost:${await freePort()}` },
      { DPS_ENDPOINT: 'no-such-host.invalid' },
      { DPS_CA_CERTS: '' },
    ]) {
      await bed.redis.client.flushall();
      await bed.restart(more);
      await bed.untilState('waiting', 'dps_unreachable');
    }
    await bed.restart();
    await bed.untilState('assigned');
  });

  row('lookup_unknown', 'leads to a registration', async (bed) => {
    await bed.connect();
    fault({ at: 'dps_lookup', count: 1, action: { kind: 'status', status: 404 } });
    fault({ at: 'hub_connect', action: { kind: 'close' } });
    assert.equal(await bed.hub.attempt(), 'network');
    await bed.untilAsked(2, 'registration');
    assert.equal(bed.asked('lookup').length, 1);
  });

  test('a hub that cannot be reached while DPS is busy: asked for by lookup, with the cached hub', async () => {
    await using bed = await Bed.create(cloud);
    await bed.connect();
    fault({ at: 'dps_lookup', action: { kind: 'status', status: 503 } });
    fault({ at: 'hub_connect', action: { kind: 'close' } });
    await bed.hub.attempt();
    await bed.untilState('waiting', 'dps_busy');
    await bed.untilAsked(3, 'lookup');
    cloud.faults.clear();
    assert.equal(await bed.hub.attempt(), 'ok');
    await bed.untilState('connected');
    assert.equal(bed.asked('registration').length, 1);
  });
});

test('every row of the table for DPS has been provoked', () => {
  assert.deepEqual(
    DPS_ROWS.map(({ id }) => id).filter((id) => !provoked.has(id)),
    [],
  );
});
