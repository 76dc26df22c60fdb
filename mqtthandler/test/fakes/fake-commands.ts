/** The command store in memory, for tests of what works on it; its contract suite runs on both. */
import { compareIds } from '@holdfast/redis';
import type { DeviceEvent } from '@holdfast/redis';
import type { Change, CommandStore, InboxEntry, OutboxEntry } from '../../src/commands/ports.ts';
import type { ExportJob } from '../../src/core/commands/export.ts';
import { encodeRecord, recordsToForget } from '../../src/core/commands/records.ts';
import type { CommandRecord } from '../../src/core/commands/records.ts';

export class FakeCommands implements CommandStore {
  readonly keys = new Map<string, string>();
  readonly records = new Map<string, CommandRecord>();
  readonly events: DeviceEvent[] = [];
  readonly jobs = new Map<string, ExportJob>();
  readonly readings: string[] = [];
  readonly statusHashes: Record<string, Record<string, string>> = {};
  /** Called at the start of every step; throws to make it fail, before or after it is done. */
  onStep: (step: 'take' | 'apply' | 'get', phase: 'before' | 'after') => void = () => {};
  #inbox: InboxEntry[] = [];
  #outbox: OutboxEntry[] = [];
  #nextId = 1;

  get inboxLength(): number {
    return this.#inbox.length;
  }

  async record(recordKey: string): Promise<CommandRecord | undefined> {
    return this.records.get(recordKey);
  }

  async take(entry: Omit<InboxEntry, 'entryId'>, record: CommandRecord): Promise<void> {
    this.onStep('take', 'before');
    this.#inbox.push({ ...entry, entryId: this.#id() });
    this.records.set(entry.recordKey, record);
    this.onStep('take', 'after');
  }

  async inbox(count: number): Promise<InboxEntry[]> {
    return this.#inbox.slice(0, count);
  }

  async apply(change: Change): Promise<void> {
    this.onStep('apply', 'before');
    for (const [key, value] of change.keys ?? []) {
      if (value === null) this.keys.delete(key);
      else this.keys.set(key, value);
    }
    for (const [key, job] of change.exports ?? []) {
      if (job === null) this.jobs.delete(key);
      else this.jobs.set(key, job);
    }
    for (const [key, record] of change.records ?? []) this.records.set(key, record);
    for (const answer of change.answers ?? []) {
      this.#outbox.push({ ...answer, entryId: this.#id() });
    }
    this.#inbox = this.#inbox.filter(({ entryId }) => entryId !== change.doneEntryId);
    this.events.push(...(change.events ?? []));
    this.onStep('apply', 'after');
  }

  async outbox(afterEntryId: string, count: number): Promise<OutboxEntry[]> {
    return this.#outbox
      .filter(({ entryId }) => compareIds(entryId, afterEntryId) > 0)
      .slice(0, count);
  }

  async delivered(entryId: string): Promise<void> {
    this.#outbox = this.#outbox.filter((entry) => entry.entryId !== entryId);
  }

  async get(key: string): Promise<string | null> {
    this.onStep('get', 'before');
    return this.keys.get(key) ?? null;
  }

  async exports(): Promise<ExportJob[]> {
    return [...this.jobs.values()].toSorted((a, b) => a.takenMs - b.takenMs);
  }

  async anyReading(after: string, upTo: string): Promise<boolean> {
    return this.readings.some((id) => compareIds(id, after) > 0 && compareIds(id, upTo) <= 0);
  }

  async newestId(): Promise<string> {
    return this.readings.at(-1) ?? '0-0';
  }

  async statuses(): Promise<Record<string, Record<string, string>>> {
    return this.statusHashes;
  }

  async prune(nowMs: number): Promise<void> {
    const texts = [...this.records].map(([key, record]) => [key, encodeRecord(record)] as const);
    for (const key of recordsToForget(texts, nowMs)) this.records.delete(key);
  }

  #id(): string {
    this.#nextId += 1;
    return `${this.#nextId}-0`;
  }
}
