import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AnyEvent } from '@holdfast/azure-lab';
import type { StreamEntry } from '@holdfast/redis';
import { cloudKeys, cloudRows, cloudSummary, dpsCell } from '../../demo/src/core/cloud-view.ts';
import type { CloudView } from '../../demo/src/core/cloud-view.ts';
import { tellCloud } from '../../demo/src/cloud-words.ts';
import { Deliveries } from '../../demo/src/core/deliveries.ts';
import { columns, plain } from '../../demo/src/core/format.ts';
import { stepKey } from '../../demo/src/core/keys.ts';
import { PARTS } from '../../demo/src/core/parts.ts';
import { proofLines, prove } from '../../demo/src/core/proof.ts';
import { scenes } from '../../demo/src/core/script.ts';
import { Tracker } from '../../demo/src/core/tracker.ts';
import { tell } from '../../demo/src/core/words.ts';

const CLOUD: CloudView = {
  command: 'npx holdfast-cloud watch',
  hubs: [
    { name: 'hub-a', connected: true, away: false, messages: 12, readings: 400, duplicates: 3 },
    { name: 'hub-b', connected: false, away: true, messages: 0, readings: 0, duplicates: 0 },
  ],
  provisioning: { state: 'waiting', reason: 'throttled', nextAttemptInSeconds: 4.6 },
  assignedHub: 'hub-b',
  throttled: false,
  disabled: false,
  registrations: 3,
  lookups: 2,
  polls: 4,
  refused: 1,
};

describe('the rows of the cloud', () => {
  test('say what provisioning waits for, and until when', () => {
    const rows = cloudRows(CLOUD).map(plain);
    assert.equal(rows[0], 'provisioning waiting (throttled), DPS is asked again in 5 s');
    const provisioning = { state: '', reason: '', nextAttemptInSeconds: undefined };
    assert.equal(plain(cloudRows({ ...CLOUD, provisioning })[0] ?? ''), 'provisioning unknown');
  });

  test('say what DPS was asked', () => {
    const row = cloudRows(CLOUD)[1] ?? '';
    assert.equal(row, 'DPS registrations 3  polls 4  lookups 2  answered 429 1');
  });

  test('say which hub the device is at, which it belongs to, and what each has got', () => {
    const [a, b] = cloudRows(CLOUD).slice(2).map(plain);
    assert.equal(a, '  hub-a      device connected readings 400  duplicates 3  messages 12');
    assert.equal(b, '> hub-b      AWAY             readings 0  duplicates 0  messages 0');
  });

  test('fit into 80 columns', () => {
    const hubs = CLOUD.hubs.map((hub) => ({
      ...hub,
      readings: 999_999,
      duplicates: 9_999,
      messages: 99_999,
    }));
    for (const row of cloudRows({ ...CLOUD, hubs })) assert.ok(columns(row) <= 80, plain(row));
  });

  test('DPS stands beside the processes, with who is not let in', () => {
    assert.match(plain(dpsCell(CLOUD)), /^t DPS +open$/);
    assert.match(
      plain(dpsCell({ ...CLOUD, throttled: true, disabled: true })),
      /THROTTLED device DISABLED$/,
    );
  });

  test('the keys say what they do now', () => {
    const words = (cloud: CloudView) => cloudKeys(cloud).map(([key, word]) => `${key} ${word}`);
    assert.deepEqual(words({ ...CLOUD, hubs: [] }), [
      'm move',
      't throttle',
      'd disable',
      'r method',
      'h hub away',
    ]);
    const all = words({ ...CLOUD, throttled: true, disabled: true });
    assert.deepEqual(
      all.filter((_, i) => i !== 0 && i !== 3),
      ['t release', 'd enable', 'h hub back'],
    );
  });

  test('in a log they are a few words', () => {
    assert.equal(
      cloudSummary(CLOUD),
      'hub-a (here) 400+3  hub-b (AWAY) 0+0  waiting (throttled), DPS is asked again in 5 s',
    );
  });
});

describe('events of the cloud', () => {
  const said = (event: AnyEvent) => {
    const words = tellCloud({ ...event, atMs: 0 });
    return words === undefined ? undefined : `${words.source}: ${words.text}`;
  };
  const device = { hub: 'hub-a', deviceId: 'd' };
  const call = { registrationId: 'd', transport: 'http', status: 202 } as const;
  const events: readonly [AnyEvent, string | undefined][] = [
    [{ event: 'registration', ...call }, 'DPS: registration: 202 accepted'],
    [{ event: 'lookup', ...call, status: 200 }, 'DPS: lookup: 200'],
    [{ event: 'poll', ...call }, undefined],
    [{ event: 'poll', ...call, status: 429 }, 'DPS: poll: 429 throttled, come back later'],
    [
      { event: 'assigned', registrationId: 'd', operationId: 'o', hub: 'hub-b', substatus: 's' },
      'DPS: the device belongs to hub-b (s)',
    ],
    [
      { event: 'assignment_failed', registrationId: 'd', operationId: 'o', reason: 'no hub fits' },
      'DPS: no hub for the device: no hub fits',
    ],
    [{ event: 'disconnected', ...device, reason: 'hub_down' }, 'hub-a: connection ended: hub down'],
    [
      { event: 'refused', ...device, connack: 5, reason: '403012 DeviceDisabled' },
      'hub-a: refuses the device: 403012 DeviceDisabled',
    ],
    [
      { event: 'method_answered', ...device, method: 'Reprovision', status: 200 },
      'hub-a: Reprovision answered with 200',
    ],
    [{ event: 'hub_up', hub: 'hub-b' }, 'hub-b: is back'],
    [{ event: 'twin_read', ...device, status: 200 }, undefined],
  ];
  for (const [event, words] of events) {
    const status = 'status' in event ? ` ${event.status}` : '';
    test(`${event.event}${status} is ${words ?? 'not told'}`, () => {
      assert.equal(said(event), words);
    });
  }
});

describe('log lines about the hub', () => {
  const line = (fields: object) => JSON.stringify({ level: 'info', service: 's', ...fields });
  for (const [fields, words] of [
    [{ event: 'link_up', destination: 'hub' }, 'connected to the hub'],
    [{ event: 'link_up', destination: 'mqtt' }, 'connected to the broker'],
    [
      {
        event: 'connect_failed',
        destination: 'hub',
        error: 'the hub cannot be reached: not authorized',
        delayMs: 1_000,
      },
      'hub not reachable (not authorized), next try in 1.0 s',
    ],
    [
      { event: 'state', state: 'hub_failing', reason: 'hub_unreachable', delayMs: 0 },
      'hub failing: hub unreachable',
    ],
    [
      { event: 'state', state: 'waiting', reason: 'throttled', delayMs: 4_200 },
      'waiting: throttled, next attempt in 4.2 s',
    ],
    [
      { event: 'state', state: 'looking_up', reason: 'hub_unreachable', delayMs: 1_000 },
      'looking up: hub unreachable',
    ],
  ] as const) {
    test(`tell: ${words}`, () => assert.equal(tell(line(fields))?.text, words));
  }
});

describe('keys and script of the cloud', () => {
  test('m, t, d, r and h act on the cloud, n does nothing, 5 kills the provisioner', () => {
    const kinds = ['m', 'T', 'd', 'r', 'h', 'n', 'b', 'q'].map(
      (key) => stepKey('azure', 'idle', key).action?.kind,
    );
    const expected = ['move', 'throttle', 'disable', 'reprovision', 'hub', undefined];
    assert.deepEqual(kinds, [...expected, 'press', 'quit']);
    assert.deepEqual(stepKey('azure', 'choosing', '5').action, {
      kind: 'kill',
      part: PARTS.azure[4],
    });
    assert.equal(stepKey('mqtt', 'idle', 'm').action, undefined);
  });

  test('the script undoes what lasts, moves once, and kills three processes', () => {
    const list = scenes('azure', 100);
    const count = (kind: string) => list.filter(({ action }) => action.kind === kind).length;
    const counts = ['throttle', 'move', 'hub', 'disable', 'kill', 'quit'].map(count);
    assert.deepEqual(counts, [2, 1, 2, 0, 3, 1]);
    const times = list.map(({ atSeconds }) => atSeconds);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.equal(times.at(-1), 100);
  });
});

describe('what is known to be lost', () => {
  const entry = (id: string, seq: number): StreamEntry => [
    id,
    ['_epoch', 'e', '_seq', String(seq), '_sensor', 's', '_uptime_ms', '0'],
  ];

  test('was acknowledged by a hub that does not have it', () => {
    const deliveries = new Deliveries();
    const tracker = new Tracker(deliveries);
    tracker.stored([entry('9-0', 1), entry('10-0', 2), entry('11-0', 3)], 0);
    tracker.delivered(deliveries.take('[{"_epoch":"e","_seq":"1"}]').fresh, 0);
    assert.equal(tracker.missing, 0);
    tracker.acknowledged('10-0');
    assert.deepEqual([tracker.missing, tracker.notDelivered], [1, 2]);
  });

  test('is not what a restarted Redis has under a newer id', () => {
    const tracker = new Tracker(new Deliveries());
    tracker.stored([entry('9-0', 1), entry('12-0', 1)], 0);
    tracker.acknowledged('10-0');
    assert.equal(tracker.missing, 0);
  });

  test('the proof says what each hub took', () => {
    const deliveries = new Deliveries();
    deliveries.take('[{"_epoch":"e","_seq":"1"}]');
    const proof = prove([entry('9-0', 1)], deliveries);
    const hubs = CLOUD.hubs.map((hub) => ({ ...hub, readings: hub.connected ? 1 : 0 }));
    const lines = proofLines(proof, 'a hub', hubs);
    assert.match(lines[3] ?? '', /^ {4}at hub-a +1 {3}and 3 that had come before$/);
    assert.equal(
      lines.at(-1),
      'Nothing was lost: every reading the sensor made has reached a hub.',
    );
    for (const line of lines) assert.ok(line.length <= 80, line);
  });
});
