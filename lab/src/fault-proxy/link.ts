/** One connection through the proxy: the client's socket, the server's, and a pump each way. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Faults, ProxyStatistics } from './faults.ts';
import { Pump } from './pump.ts';
import type { Pace } from './pump.ts';

/** How long a server may take to notice the end of a connection whose client has been reset. */
const LAST_WORDS_MS = 500;

export interface LinkOptions {
  readonly client: Socket;
  readonly target: { readonly host: string; readonly port: number };
  readonly faults: Faults;
  readonly statistics: ProxyStatistics;
  readonly paces: { readonly toServer: Pace; readonly toClient: Pace };
  readonly onClosed: (link: Link) => void;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #server: Socket;
  readonly #pumps: readonly Pump[];
  /** Bytes are missing in the middle of the stream: it can never be made whole again. */
  #torn = false;
  #open = true;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { client, target, faults, statistics, paces } = options;
    const server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    this.#server = server;
    client.setNoDelay(true);
    this.#pumps = [
      new Pump({
        source: client,
        destination: server,
        faults,
        pace: paces.toServer,
        admit: (chunk) => this.#admit(chunk),
        onSent: (bytes) => (statistics.bytesToServer += bytes),
      }),
      new Pump({
        source: server,
        destination: client,
        faults,
        pace: paces.toClient,
        admit: (chunk) => chunk,
        onSent: (bytes) => (statistics.bytesToClient += bytes),
      }),
    ];
    const onClose = () => {
      if (client.destroyed && server.destroyed) this.#closed();
    };
    client.on('close', onClose);
    server.on('close', onClose);
  }

  get torn(): boolean {
    return this.#torn;
  }

  /** A fault has changed. */
  run(): void {
    for (const pump of this.#pumps) pump.run();
  }

  /** Breaks the connection on both sides at once. */
  reset(): void {
    this.#break(() => this.#server.resetAndDestroy());
  }

  #break(endServer: () => void): void {
    if (!this.#open) return;
    this.#options.statistics.connectionsBroken += 1;
    for (const pump of this.#pumps) pump.stop();
    this.#options.client.resetAndDestroy();
    endServer();
    this.#closed();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const pump of this.#pumps) pump.stop();
    this.#options.onClosed(this);
  }

  #admit(chunk: Buffer): Buffer | undefined {
    const { faults, statistics } = this.#options;
    if (faults.state === 'half_open') {
      this.#torn = true;
      statistics.bytesSwallowed += chunk.length;
      return undefined;
    }
    const fate = faults.rule?.(chunk) ?? 'forward';
    if (fate === 'close_before') {
      this.reset();
      return undefined;
    }
    if (fate === 'close_after') return this.#lastChunk(chunk);
    if (faults.bytesUntilClose === undefined) return chunk;
    const allowedBytes = faults.bytesUntilClose;
    faults.bytesUntilClose -= chunk.length;
    if (chunk.length < allowedBytes) return chunk;
    faults.bytesUntilClose = undefined;
    return this.#lastChunk(chunk.subarray(0, allowedBytes));
  }

  /** The server gets this chunk and an orderly end, so that it reads it; the client gets a reset. */
  #lastChunk(chunk: Buffer): undefined {
    this.#options.statistics.bytesToServer += chunk.length;
    this.#break(() => {
      this.#server.end(chunk);
      // Nobody listens to its answer any more; reading on lets it close, but not for ever.
      this.#server.removeAllListeners('data').resume();
      this.#server.setTimeout(LAST_WORDS_MS, () => this.#server.destroy());
    });
  }
}
