/**
 * How many entries may be asked for at once without knowing how large they are. Other programs store
 * entries of any size; what is read at a time has to fit into memory all the same. So the entries are
 * measured first, inside Redis, which costs it some four times as much; as long as they are small
 * the next ones are taken to be small too. When that was wrong the reply is dropped, and the next
 * reads are measured: ever more of them while it goes on being wrong.
 */

/** What one read may take, bytes. */
export const READ_BYTES = 524_288;

/** With fewer entries to a read measuring costs little. */
const LEAST_ENTRIES = 32;
/** Reads measured after a wrong guess. */
const MEASURED = { first: 4, cap: 256 };

export interface ReadSize {
  /** Of the last entries seen, on average. */
  readonly entryBytes: number;
  /** Reads to be measured yet. */
  readonly measure: number;
  /** Reads that will be measured after the next wrong guess. */
  readonly measureNext: number;
}

export const READ_SIZE_START: ReadSize = {
  entryBytes: Infinity,
  measure: 0,
  measureNext: MEASURED.first,
};

/** How many of `wanted` entries to ask for; 0 = measure them. */
export function entriesToAsk({ entryBytes, measure }: ReadSize, wanted: number): number {
  // Twice the size is allowed for.
  const most = Math.floor(READ_BYTES / 2 / entryBytes);
  return measure > 0 || most < LEAST_ENTRIES ? 0 : Math.min(wanted, most);
}

/** After a read of `entries` entries, not measured. */
export function afterRead(size: ReadSize, entries: number, bytes: number): ReadSize {
  const measureNext = Math.max(MEASURED.first, size.measureNext / 2);
  return { ...seen(size, entries, bytes), measureNext };
}

/** After entries had been asked for in vain: too large, or no reply. */
export function afterVain(size: ReadSize): ReadSize {
  const { measureNext } = size;
  return {
    ...size,
    measure: measureNext,
    measureNext: Math.min(MEASURED.cap, 2 * measureNext),
  };
}

/** After a read that was measured. */
export function afterMeasured(size: ReadSize, entries: number, bytes: number): ReadSize {
  return { ...seen(size, entries, bytes), measure: Math.max(0, size.measure - 1) };
}

function seen(size: ReadSize, entries: number, bytes: number): ReadSize {
  return entries === 0 ? size : { ...size, entryBytes: bytes / entries };
}
