/** What is wrong with the line at present, shared by all connections of one proxy. */

/**
 * - `open`: everything passes.
 * - `frozen`: connections are accepted and kept, nothing passes in either direction: a dead link
 *   that nobody has noticed yet. What waits passes when it thaws, as TCP would retransmit it.
 * - `half_open`: what the client sends vanishes, what the server sends passes.
 * - `cut`: connections are reset and new ones refused.
 */
export type LineState = 'open' | 'frozen' | 'half_open' | 'cut';

/**
 * What becomes of a chunk from the client:
 * - `forward`: nothing special.
 * - `close_before`: the connection breaks before the server gets it.
 * - `close_after`: the server gets it, the client is reset before it can get the answer.
 */
export type ChunkFate = 'forward' | 'close_before' | 'close_after';

export type ChunkRule = (chunk: Buffer) => ChunkFate;

export class Faults {
  state: LineState = 'open';
  /** Latency in each direction, milliseconds. */
  delayMs = 0;
  /** Undefined = unlimited. Each direction has this rate to itself, shared by all connections. */
  bytesPerSecond: number | undefined;
  rule: ChunkRule | undefined;
  /** Bytes from clients that still pass before the connection carrying the last one breaks. */
  bytesUntilClose: number | undefined;

  clear(): void {
    this.state = 'open';
    this.delayMs = 0;
    this.bytesPerSecond = undefined;
    this.rule = undefined;
    this.bytesUntilClose = undefined;
  }
}

/** Counters since the proxy was started. */
export interface ProxyStatistics {
  connectionsAccepted: number;
  connectionsOpen: number;
  /** Broken by the proxy: cut, a rule, a number of bytes, or bytes lost while half open. */
  connectionsBroken: number;
  bytesToServer: number;
  bytesToClient: number;
  /** Sent by clients and dropped while half open. */
  bytesSwallowed: number;
}
