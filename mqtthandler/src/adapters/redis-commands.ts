/** Commands, their records and answers in Redis. */
import { KEYS } from '@holdfast/redis';
import type { KeySpec, Redis } from '@holdfast/redis';
import type { Change, CommandStore, InboxEntry, OutboxEntry } from '../commands/ports.ts';
import { decodeExport } from '../core/commands/export.ts';
import type { ExportJob } from '../core/commands/export.ts';
import { decodeRecord, encodeRecord, recordsToForget } from '../core/commands/records.ts';
import type { CommandRecord } from '../core/commands/records.ts';

const KEEP_ANSWERS = 1_000;
const KEEP_EVENTS = 1_000;

const INBOX = KEYS.commandInbox.key;
const OUTBOX = KEYS.commandOutbox.key;
const RECORDS = KEYS.commandRecords.key;
const EXPORTS = KEYS.commandExports.key;

export class RedisCommands implements CommandStore {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async record(recordKey: string): Promise<CommandRecord | undefined> {
    const text = await this.#redis.hget(RECORDS, recordKey);
    return text === null ? undefined : decodeRecord(text);
  }

  async take(entry: Omit<InboxEntry, 'entryId'>, record: CommandRecord): Promise<void> {
    const { source, recordKey, signed, text } = entry;
    const fields = ['source', source, 'record', recordKey, 'signed', signed ? '1' : '0'];
    const steps = this.#redis.multi();
    steps.xadd(INBOX, '*', ...fields, 'text', text);
    steps.hset(RECORDS, recordKey, encodeRecord(record));
    await execute(steps);
  }

  async inbox(count: number): Promise<InboxEntry[]> {
    const entries = await this.#redis.xrange(INBOX, '-', '+', 'COUNT', count);
    return entries.map(([entryId, fields]) => {
      const of = named(fields);
      return {
        entryId,
        source: of('source'),
        recordKey: of('record'),
        signed: of('signed') === '1',
        text: of('text'),
      };
    });
  }

  async apply(change: Change): Promise<void> {
    const steps = this.#redis.multi();
    for (const [key, value] of change.keys ?? []) {
      if (value === null) steps.del(key);
      else steps.set(key, value);
    }
    for (const [key, job] of change.exports ?? []) {
      if (job === null) steps.hdel(EXPORTS, key);
      else steps.hset(EXPORTS, key, JSON.stringify(job));
    }
    for (const [key, record] of change.records ?? [])
      steps.hset(RECORDS, key, encodeRecord(record));
    for (const { source, answer } of change.answers ?? []) {
      steps.xadd(OUTBOX, 'MAXLEN', '~', KEEP_ANSWERS, '*', 'source', source, 'answer', answer);
    }
    if (change.doneEntryId !== undefined) steps.xdel(INBOX, change.doneEntryId);
    const events = change.events ?? [];
    for (const { service, event, fields } of events) {
      const pairs = Object.entries(fields ?? {}).flatMap(([name, value]) => [name, String(value)]);
      const own = ['service', service, 'event', event, ...pairs];
      steps.xadd(KEYS.events.key, 'MAXLEN', '~', KEEP_EVENTS, '*', ...own);
    }
    // The time line is a courtesy: that somebody made it another type stops no command.
    await execute(steps, events.length);
  }

  async outbox(afterEntryId: string, count: number): Promise<OutboxEntry[]> {
    const entries = await this.#redis.xrange(OUTBOX, `(${afterEntryId}`, '+', 'COUNT', count);
    return entries.map(([entryId, fields]) => {
      const of = named(fields);
      return { entryId, source: of('source'), answer: of('answer') };
    });
  }

  async delivered(entryId: string): Promise<void> {
    await this.#redis.xdel(OUTBOX, entryId);
  }

  async get(key: string): Promise<string | null> {
    return await this.#redis.get(key);
  }

  async exports(): Promise<ExportJob[]> {
    const stored = await this.#redis.hgetall(EXPORTS);
    return Object.values(stored)
      .map(decodeExport)
      .filter((job) => job !== undefined)
      .toSorted((a, b) => a.takenMs - b.takenMs);
  }

  async anyReading(after: string, upTo: string): Promise<boolean> {
    const found = await this.#redis.xrange(KEYS.values.key, `(${after}`, upTo, 'COUNT', 1);
    return found.length > 0;
  }

  async newestId(): Promise<string> {
    const newest = await this.#redis.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 1);
    return newest[0]?.[0] ?? '0-0';
  }

  async statuses(): Promise<Record<string, Record<string, string>>> {
    const keys = Object.values<KeySpec>(KEYS)
      .filter(({ key, type }) => type === 'hash' && key.endsWith(':status'))
      .map(({ key }) => key);
    const steps = this.#redis.pipeline();
    for (const key of keys) steps.hgetall(key);
    const replies = (await steps.exec()) ?? [];
    const found: Record<string, Record<string, string>> = {};
    for (const [i, key] of keys.entries()) {
      const [error, hash] = replies[i] ?? [null, {}];
      const fields = hash as Record<string, string> | undefined;
      if (error === null && fields !== undefined && Object.keys(fields).length > 0) {
        found[key] = fields;
      }
    }
    return found;
  }

  async prune(nowMs: number): Promise<void> {
    if ((await this.#redis.hlen(RECORDS)) === 0) return;
    const records = Object.entries(await this.#redis.hgetall(RECORDS));
    const forget = recordsToForget(records, nowMs);
    if (forget.length > 0) await this.#redis.hdel(RECORDS, ...forget);
  }
}

/** Carries a transaction out; the last `optional` steps may fail. */
async function execute(steps: ReturnType<Redis['multi']>, optional = 0): Promise<void> {
  const replies = (await steps.exec()) ?? [];
  for (const [error] of replies.slice(0, replies.length - optional)) {
    if (error !== null) throw error;
  }
}

function named(fields: readonly string[]): (name: string) => string {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? '', fields[i + 1] ?? '');
  return (name) => values.get(name) ?? '';
}
