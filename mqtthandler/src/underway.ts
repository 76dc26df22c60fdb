/** What is being sent or given up, and what of earlier sessions got no answer. */
import { compareIds } from '@holdfast/redis';
import { NO_MARKS } from './core/marks.ts';
import type { Marks } from './core/marks.ts';
import { marksAround } from './core/position.ts';
import type { Part } from './core/position.ts';
import { intersect, subtract } from './core/progress.ts';
import type { Progress, Range } from './core/progress.ts';
import type { Edges } from './core/span.ts';

/** A stretch of the stream that is being sent as one message: `(after, upTo]`. */
export interface Stretch {
  readonly after: string;
  readonly upTo: string;
  /** Readings in it. */
  readonly count: number;
}

/** What a stretch holds, if that is known. */
export interface Read {
  readonly edges: Edges | undefined;
}

type Exposed = readonly [Stretch, Marks];

/** A destination that takes nothing for hours leaves a stretch behind with every session. */
const MANY_EXPOSED = 64;

export class Underway {
  /** With the marks where they begin and end: ranges may soon begin or end there. */
  readonly #sent = new Map<Stretch, Marks>();
  /** About to be given up: not sent by anybody, whatever becomes of the session. */
  readonly #reserved = new Set<Stretch>();
  /** Sent without an answer: the destination may have it. Sent again, but never given up. */
  #exposed = new Map<string, Exposed>();

  get stretches(): readonly Stretch[] {
    return [...this.#sent.keys()];
  }

  /** @param known marks */
  add(stretch: Stretch, known: Marks, read?: Read): void {
    this.#sent.set(stretch, this.#around(stretch, known, read));
  }

  reserve(stretch: Stretch): void {
    this.#reserved.add(stretch);
  }

  /** Neither sent nor given up, or both are over. */
  delete(stretch: Stretch): void {
    this.#sent.delete(stretch);
    this.#reserved.delete(stretch);
  }

  /** Marks a stretch as possibly sent, by an earlier life of this process. */
  expose(stretch: Stretch, known: Marks, read?: Read): void {
    this.#expose(stretch, this.#around(stretch, known, read));
  }

  /** Nothing is under way any more; what is still pending may have arrived. */
  land(progress: Progress): void {
    for (const [stretch, marks] of this.#sent) this.#expose(stretch, marks);
    this.#sent.clear();
    const pending = [...this.#exposed.values()].filter(
      ([stretch]) => intersect(progress, stretch).length > 0,
    );
    this.#exposed.clear();
    const kept = pending.length > MANY_EXPOSED ? joined(pending) : pending;
    for (const [stretch, marks] of kept) this.#expose(stretch, marks);
  }

  /** Progress without what is under way or about to be given up. */
  available(progress: Progress): Progress {
    return without(progress, [...this.#sent.keys(), ...this.#reserved]);
  }

  /** What is available and has certainly not arrived. */
  forfeitable(progress: Progress): Progress {
    return without(this.available(progress), this.#exposedStretches);
  }

  /** What is pending, but not to be given up. */
  kept(progress: Progress): readonly Part[] {
    const all = [...this.#sent.keys(), ...this.#reserved, ...this.#exposedStretches];
    return all.flatMap((stretch) => intersect(progress, stretch));
  }

  get #exposedStretches(): readonly Stretch[] {
    return [...this.#exposed.values()].map(([stretch]) => stretch);
  }

  /** `known`, and those of where the messages begin and end. */
  marks(known: Marks): Marks {
    const exposed = [...this.#exposed.values()].map(([, marks]) => marks);
    const around = [...exposed, ...this.#sent.values()].flatMap((marks) => [...marks]);
    return new Map([...around, ...known]);
  }

  #around(stretch: Stretch, known: Marks, read: Read | undefined): Marks {
    return read === undefined ? NO_MARKS : marksAround(this.marks(known), stretch, read.edges);
  }

  #expose(stretch: Stretch, marks: Marks): void {
    // Sent again and again it is one stretch all the same.
    this.#exposed.set(`${stretch.after} ${stretch.upTo}`, [stretch, marks]);
  }
}

/** Ranges without these parts; none may be left of those that end. */
export function without<R extends readonly Range[]>(ranges: R, parts: readonly Part[]): R {
  return parts.reduce<R>((left, { after, upTo }) => subtract(left, after, upTo), ranges);
}

/** Those that touch or overlap as one, with the marks where it begins and ends. */
function joined(exposed: readonly Exposed[]): readonly Exposed[] {
  const result: Exposed[] = [];
  for (const next of exposed.toSorted(([a], [b]) => compareIds(a.after, b.after))) {
    const last = result.at(-1);
    if (last === undefined || compareIds(next[0].after, last[0].upTo) > 0) result.push(next);
    else result[result.length - 1] = union(last, next);
  }
  return result;
}

function union([a, ofA]: Exposed, [b, ofB]: Exposed): Exposed {
  const upTo = compareIds(a.upTo, b.upTo) < 0 ? b.upTo : a.upTo;
  const ends = [...ofB, ...ofA].filter(([id]) => id === a.after || id === upTo);
  return [{ after: a.after, upTo, count: a.count + b.count }, new Map(ends)];
}
