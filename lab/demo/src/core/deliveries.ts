/**
 * What the subscriber has. It drops what it already has by `(_device_uuid, _epoch, _seq)` and keeps
 * the records of losses (contract, sections 2 and 3): the rules every backend of Holdfast follows.
 */

/** A recorded loss of readings of ours. */
export interface GapSpan {
  readonly epoch: string;
  readonly fromSeq: number;
  readonly toSeq: number;
}

export interface Accepted {
  /** Names of readings that were not there before, as `readingName` makes them. */
  readonly fresh: readonly string[];
  readonly duplicates: number;
}

/** The name of a reading for ever; the device is left out, the demo has one. */
export function readingName(epoch: string, seq: number): string {
  return `${epoch}/${seq}`;
}

/** The name of a reading of another program. */
export function foreignName(id: string): string {
  return `id/${id}`;
}

export class Deliveries {
  readonly #names = new Set<string>();
  readonly #gapKeys = new Set<string>();
  readonly #gaps: GapSpan[] = [];
  readonly #lastSeq = new Map<string, number>();
  #duplicates = 0;
  #unreadable = 0;

  get count(): number {
    return this.#names.size;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** Messages or members of them that are no reading. */
  get unreadable(): number {
    return this.#unreadable;
  }

  get gaps(): readonly GapSpan[] {
    return this.#gaps;
  }

  /** Readings that gap records stand for. */
  get gapReadings(): number {
    return this.#gaps.reduce((sum, gap) => sum + gap.toSeq - gap.fromSeq + 1, 0);
  }

  /** Epoch -> the highest sequence number received. */
  get lastSeq(): ReadonlyMap<string, number> {
    return this.#lastSeq;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Takes one message: a JSON list of readings and gap records. */
  take(payload: string): Accepted {
    const fresh: string[] = [];
    const before = this.#duplicates;
    for (const member of listOf(payload)) {
      const name = this.#takeMember(member);
      if (name !== undefined) fresh.push(name);
    }
    return { fresh, duplicates: this.#duplicates - before };
  }

  #takeMember(member: unknown): string | undefined {
    const reading = isRecord(member) ? member : {};
    const { _id: id, _epoch: epoch, _seq: seq, _gap: gap } = reading;
    if (isRecord(gap)) {
      this.#takeGap(String(epoch), gap);
      return undefined;
    }
    const number = Number(seq);
    const ours = typeof epoch === 'string' && Number.isSafeInteger(number);
    const name = ours ? readingName(epoch, number) : foreignName(String(id));
    if (!ours && typeof id !== 'string') {
      this.#unreadable += 1;
      return undefined;
    }
    if (this.#names.has(name)) {
      this.#duplicates += 1;
      return undefined;
    }
    this.#names.add(name);
    if (ours) this.#lastSeq.set(epoch, Math.max(number, this.#lastSeq.get(epoch) ?? 0));
    return name;
  }

  #takeGap(epoch: string, gap: Readonly<Record<string, unknown>>): void {
    const [fromSeq, toSeq] = [Number(gap['from_seq']), Number(gap['to_seq'])];
    const key = `${epoch} ${fromSeq} ${toSeq}`;
    if (!Number.isSafeInteger(fromSeq) || !Number.isSafeInteger(toSeq)) this.#unreadable += 1;
    else if (this.#gapKeys.has(key)) this.#duplicates += 1;
    else {
      this.#gapKeys.add(key);
      this.#gaps.push({ epoch, fromSeq, toSeq });
    }
  }
}

/** The members of a JSON list; something that is none counts as one unreadable member. */
function listOf(payload: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(payload);
    return Array.isArray(value) ? value : [undefined];
  } catch {
    return [undefined];
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
