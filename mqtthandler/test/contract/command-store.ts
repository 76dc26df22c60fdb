/** What every command store does; run on the fake and on Redis. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CommandStore } from '../../src/commands/ports.ts';
import type { ExportJob } from '../../src/core/commands/export.ts';

const job: ExportJob = {
  recordKey: 'id:"e"',
  id: '"e"',
  source: 'mqtt',
  echo: { command: 'send_measurements' },
  after: '1-0',
  upTo: '9-0',
  remaining: null,
  sent: 3,
  skipped: 0,
  failures: 0,
  takenMs: 5,
};

export interface OpenStore extends AsyncDisposable {
  readonly store: CommandStore;
  addReading(id: string): Promise<void>;
}

export function commandStoreContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`the command store ${name}`, () => {
    const entry = { source: 'mqtt', recordKey: 'id:1', signed: true, text: '{"command":"reboot"}' };

    test('keeps a taken command with its record until it is done', async () => {
      await using opened = await open();
      const { store } = opened;
      assert.equal(await store.record('id:1'), undefined);
      await store.take(entry, { takenMs: 7, expiresMs: 9 });
      await store.take({ ...entry, recordKey: 'id:2', signed: false }, { takenMs: 8 });
      assert.deepEqual(await store.record('id:1'), { takenMs: 7, expiresMs: 9 });
      const [first, second, ...others] = await store.inbox(10);
      assert.deepEqual(first, { ...entry, entryId: first?.entryId });
      assert.equal(second?.signed, false);
      assert.deepEqual(others, []);
      assert.equal((await store.inbox(1)).length, 1);
      const answer = '{"ä":1}';
      await store.apply({
        doneEntryId: first?.entryId ?? '',
        records: [['id:1', { takenMs: 7, answer }]],
        answers: [
          { source: 'mqtt', answer },
          { source: 'hub', answer: 'second' },
        ],
      });
      assert.deepEqual(await store.inbox(10), [second]);
      assert.deepEqual(await store.record('id:1'), { takenMs: 7, answer });
      const waiting = await store.outbox('0-0', 10);
      assert.deepEqual(
        waiting.map(({ source, answer }) => [source, answer]),
        [
          ['mqtt', answer],
          ['hub', 'second'],
        ],
      );
      assert.equal((await store.outbox(waiting[0]?.entryId ?? '', 10)).length, 1);
      await store.delivered(waiting[0]?.entryId ?? '');
      assert.equal((await store.outbox('0-0', 10)).length, 1);
    });

    test('sets and deletes keys and exports', async () => {
      await using opened = await open();
      const { store } = opened;
      assert.equal(await store.get('measurement:interval'), null);
      const later = { ...job, recordKey: 'id:"l"', takenMs: 6, remaining: 4 };
      await store.apply({
        keys: [['measurement:interval', '5']],
        exports: [
          [later.recordKey, later],
          [job.recordKey, job],
        ],
        events: [{ service: 's', event: 'e', fields: { a: 1 } }],
      });
      assert.equal(await store.get('measurement:interval'), '5');
      assert.deepEqual(await store.exports(), [job, later]);
      await store.apply({
        keys: [['measurement:interval', null]],
        exports: [[job.recordKey, null]],
      });
      assert.equal(await store.get('measurement:interval'), null);
      assert.deepEqual(await store.exports(), [later]);
    });

    test('knows which readings there are', async () => {
      await using opened = await open();
      const { store } = opened;
      assert.equal(await store.newestId(), '0-0');
      assert.equal(await store.anyReading('0-0', '9-0'), false);
      await opened.addReading('5-0');
      await opened.addReading('7-1');
      assert.equal(await store.newestId(), '7-1');
      assert.equal(await store.anyReading('4-0', '5-0'), true);
      assert.equal(await store.anyReading('5-0', '7-0'), false);
    });

    test('forgets the oldest records beyond their number, never a living signed one', async () => {
      await using opened = await open();
      const { store } = opened;
      const nowMs = 1_000_000;
      await store.take({ ...entry, recordKey: 'signed' }, { takenMs: 0, expiresMs: nowMs + 1 });
      const records = Array.from(
        { length: 510 },
        (_, i) => [`id:${i}`, { takenMs: i + 1, answer: '{}' }] as const,
      );
      await store.apply({ records });
      await store.prune(nowMs);
      assert.notEqual(await store.record('signed'), undefined);
      assert.equal(await store.record('id:9'), undefined);
      assert.notEqual(await store.record('id:10'), undefined);
    });

    test('forgets no id for commands without one, and remembers these for a day', async () => {
      await using opened = await open();
      const { store } = opened;
      const dayMs = 86_400_000;
      await store.take({ ...entry, recordKey: 'id:"kept"' }, { takenMs: 0 });
      await store.take({ ...entry, recordKey: 'delivery:mqtt:old' }, { takenMs: 0 });
      const records = Array.from(
        { length: 600 },
        (_, i) => [`delivery:mqtt:${i}`, { takenMs: i + 1, answer: 'x'.repeat(900) }] as const,
      );
      await store.apply({ records });
      await store.prune(1_000);
      assert.notEqual(await store.record('id:"kept"'), undefined);
      assert.equal(await store.record('delivery:mqtt:99'), undefined);
      assert.notEqual(await store.record('delivery:mqtt:599'), undefined);
      await store.prune(dayMs + 600);
      assert.notEqual(await store.record('id:"kept"'), undefined);
      assert.equal(await store.record('delivery:mqtt:598'), undefined);
      assert.notEqual(await store.record('delivery:mqtt:599'), undefined);
    });
  });
}
