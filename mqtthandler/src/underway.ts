/** What is being sent or given up, and what of earlier sessions got no answer. */
import { NO_MARKS } from './core/marks.ts';
import type { Marks } from './core/marks.ts';
import { marksAround } from './core/position.ts';
import { intersect, subtract } from './core/progress.ts';
import type { Progress } from './core/progress.ts';
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

export class Underway {
  /** With the marks where they begin and end: ranges may soon begin or end there. */
  readonly #sent = new Map<Stretch, Marks>();
  /** About to be given up: not sent by anybody, whatever becomes of the session. */
  readonly #reserved = new Set<Stretch>();
  /** Sent without an answer: the destination may have it. Sent again, but never given up. */
  #exposed = new Map<string, readonly [Stretch, Marks]>();

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
    const pending = ([, [stretch]]: readonly [string, readonly [Stretch, Marks]]) =>
      intersect(progress, stretch).length > 0;
    this.#exposed = new Map([...this.#exposed].filter(pending));
  }

  /** Progress without what is under way or about to be given up. */
  available(progress: Progress): Progress {
    return without(progress, [...this.#sent.keys(), ...this.#reserved]);
  }

  /** What is available and has certainly not arrived. */
  forfeitable(progress: Progress): Progress {
    const exposed = [...this.#exposed.values()].map(([stretch]) => stretch);
    return without(this.available(progress), exposed);
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

function without(progress: Progress, stretches: readonly Stretch[]): Progress {
  return stretches.reduce<Progress>(
    (left, { after, upTo }) => subtract(left, after, upTo),
    progress,
  );
}
