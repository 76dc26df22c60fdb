/**
 * The proof at the end: what the sensor stored, taken from the stream itself, against what the
 * subscriber has. The sensor numbers its readings 1, 2, 3 ... within an epoch (contract, section 2),
 * so even a reading that has vanished from the stream is missed.
 */
import { fieldOf, identityOf } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import { foreignName, readingName } from './deliveries.ts';
import type { Deliveries, GapSpan } from './deliveries.ts';

export interface Proof {
  /** Readings the sensor has made: entries of the stream and numbers missing between them. */
  readonly produced: number;
  /** Distinct readings the subscriber has of these. */
  readonly delivered: number;
  /** Missing, and the subscriber has a gap record that says so. */
  readonly recordedAsGap: number;
  /** Missing without a word: their names. `produced = delivered + recordedAsGap + lost`. */
  readonly lost: readonly string[];
  /** Received again and dropped. */
  readonly duplicates: number;
  /** Numbers that no entry of the stream has; what was delivered of them is not lost. */
  readonly holesInStream: number;
  /** Lives of the buffer: 1 and one more for each restart of Redis. */
  readonly epochs: number;
  readonly unreadable: number;
}

type Received = Pick<
  Deliveries,
  'has' | 'duplicates' | 'unreadable' | 'gaps' | 'gapReadings' | 'lastSeq'
>;

export function prove(stream: readonly StreamEntry[], received: Received): Proof {
  const stored = new Set<string>();
  const highest = new Map<string, number>(received.lastSeq);
  const raise = (epoch: string, seq: number) => {
    if (Number.isSafeInteger(seq)) highest.set(epoch, Math.max(seq, highest.get(epoch) ?? 0));
  };
  const foreign: string[] = [];
  for (const [id, fields] of stream) {
    const identity = identityOf(fields);
    const epoch = fieldOf(fields, '_epoch');
    if (identity !== undefined) {
      stored.add(readingName(identity.epoch, identity.seq));
      raise(identity.epoch, identity.seq);
      const before = fieldOf(fields, '_previous_epoch');
      if (before !== undefined) raise(before, Number(fieldOf(fields, '_previous_seq')));
    } else if (epoch === undefined) foreign.push(foreignName(id));
    else raise(epoch, Number(/"to_seq":(\d+)/.exec(fieldOf(fields, '_gap') ?? '')?.[1]));
  }
  for (const gap of received.gaps) raise(gap.epoch, gap.toSeq);

  const expected = [...numbers(highest)];
  const missing = expected.filter((one) => !received.has(readingName(one.epoch, one.seq)));
  const silent = missing.filter((one) => !isRecorded(one, received.gaps));
  const lost = [
    ...silent.map((one) => readingName(one.epoch, one.seq)),
    ...foreign.filter((name) => !received.has(name)),
  ];
  const produced = expected.length + foreign.length;
  const recordedAsGap = missing.length - silent.length;
  return {
    produced,
    delivered: produced - recordedAsGap - lost.length,
    recordedAsGap,
    lost,
    duplicates: received.duplicates,
    holesInStream: expected.filter((one) => !stored.has(readingName(one.epoch, one.seq))).length,
    epochs: highest.size,
    unreadable: received.unreadable,
  };
}

interface Numbered {
  readonly epoch: string;
  readonly seq: number;
}

/** 1 to the highest number of each epoch. */
function* numbers(highest: ReadonlyMap<string, number>): Generator<Numbered> {
  for (const [epoch, last] of highest) {
    for (let seq = 1; seq <= last; seq += 1) yield { epoch, seq };
  }
}

function isRecorded({ epoch, seq }: Numbered, gaps: readonly GapSpan[]): boolean {
  return gaps.some((gap) => gap.epoch === epoch && gap.fromSeq <= seq && seq <= gap.toSeq);
}

/** Whether every reading that was made has arrived; a run that made none proves nothing. */
export function isComplete(proof: Proof): boolean {
  return proof.produced > 0 && proof.delivered === proof.produced && proof.unreadable === 0;
}

const SHOWN_LOST = 5;

/** What one of several receivers has taken. */
export interface ReceiverCount {
  readonly name: string;
  /** Readings nobody had before. */
  readonly readings: number;
  readonly duplicates: number;
}

/**
 * The proof in plain words.
 * @param receiver whoever is to have the readings
 * @param parts what each of them took, where there are several
 */
export function proofLines(
  proof: Proof,
  receiver = 'the subscriber',
  parts: readonly ReceiverCount[] = [],
): string[] {
  const row = (count: number, name: string, meaning: string) =>
    `  ${name.padEnd(20)}${String(count).padStart(8)}   ${meaning}`;
  const numbering =
    proof.epochs === 1 ? 'numbered without a hole' : `no hole in ${proof.epochs} numberings`;
  const whole = proof.holesInStream === 0 ? `, ${numbering}` : '';
  return [
    'Proof',
    row(proof.produced, 'produced', `made by the sensor${whole}`),
    row(proof.delivered, 'delivered', `of them are at ${receiver}`),
    ...parts.map((one) =>
      row(one.readings, `  at ${one.name}`, `and ${one.duplicates} that had come before`),
    ),
    row(proof.recordedAsGap, 'recorded as gap', `given up, and ${receiver} was told which`),
    row(proof.lost.length, 'lost', 'missing without a word'),
    row(proof.duplicates, 'duplicates dropped', 'came twice, recognised by their number'),
    ...(proof.holesInStream > 0
      ? [row(proof.holesInStream, 'holes in the buffer', 'numbers that no stored reading has')]
      : []),
    ...(proof.unreadable > 0
      ? [row(proof.unreadable, 'unreadable', 'messages that are no reading')]
      : []),
    '',
    verdict(proof, receiver),
  ];
}

function verdict(proof: Proof, receiver: string): string {
  const { lost, recordedAsGap, unreadable } = proof;
  if (proof.produced === 0) return 'FAILED: no reading was made, so nothing is proved.';
  if (lost.length > 0) {
    const named = lost.slice(0, SHOWN_LOST).join(', ');
    const more = lost.length > SHOWN_LOST ? ', ...' : '';
    return `FAILED: ${lost.length} of ${proof.produced} readings are lost: ${named}${more}`;
  }
  if (recordedAsGap > 0) {
    return `FAILED: ${recordedAsGap} readings are missing; each of them is on record as a gap.`;
  }
  if (unreadable > 0) return `FAILED: ${unreadable} messages cannot be read.`;
  return `Nothing was lost: every reading the sensor made has reached ${receiver}.`;
}
