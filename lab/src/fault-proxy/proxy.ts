/** A TCP proxy on loopback between a client and a server, which can do what networks do. */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { freePort } from '../servers/net.ts';
import { Faults } from './faults.ts';
import type { ChunkRule, LineState, ProxyStatistics } from './faults.ts';
import { Link } from './link.ts';

export interface FaultProxyOptions {
  /** The real server. */
  readonly targetPort: number;
  readonly targetHost?: string;
  /** Port to listen on; default a free one, which nobody else gets while the line is cut. */
  readonly port?: number;
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #faults = new Faults();
  readonly #links = new Set<Link>();
  readonly #paces = { toServer: { busyUntilMs: 0 }, toClient: { busyUntilMs: 0 } };
  readonly #target: { readonly host: string; readonly port: number };
  readonly #statistics: ProxyStatistics = {
    connectionsAccepted: 0,
    connectionsOpen: 0,
    connectionsBroken: 0,
    bytesToServer: 0,
    bytesToClient: 0,
    bytesSwallowed: 0,
  };
  #server: Server;

  /** Use {@link startFaultProxy}. */
  constructor(options: FaultProxyOptions, port: number, server: Server) {
    this.port = port;
    this.#target = { host: options.targetHost ?? '127.0.0.1', port: options.targetPort };
    this.#server = server;
    server.on('connection', this.#accept);
  }

  get state(): LineState {
    return this.#faults.state;
  }

  /** A copy of the counters. */
  get statistics(): Readonly<ProxyStatistics> {
    return { ...this.#statistics, connectionsOpen: this.#links.size };
  }

  /** Resets all connections and refuses new ones. */
  async cut(): Promise<void> {
    if (this.#faults.state === 'cut') return;
    this.#faults.state = 'cut';
    const closed = closeServer(this.#server);
    this.breakConnections();
    await closed;
  }

  /** Ends every fault. Connections that lost bytes while half open are reset. */
  async restore(): Promise<void> {
    const wasCut = this.#faults.state === 'cut';
    this.#faults.clear();
    this.#paces.toServer.busyUntilMs = 0;
    this.#paces.toClient.busyUntilMs = 0;
    for (const link of this.#links) {
      if (link.torn) link.reset();
      else link.run();
    }
    if (!wasCut) return;
    this.#server = await listen(this.port);
    this.#server.on('connection', this.#accept);
  }

  /** Accepts and keeps connections, passes nothing in either direction. */
  freeze(): void {
    this.#become('frozen');
  }

  /** What waited passes. */
  thaw(): void {
    if (this.#faults.state === 'frozen') this.#become('open');
  }

  /** What clients send vanishes from now on, the connections stay. `restore` ends it. */
  halfOpen(): void {
    this.#become('half_open');
  }

  /** Limits each direction; undefined = unlimited. */
  throttle(bytesPerSecond: number | undefined): void {
    this.#faults.bytesPerSecond = bytesPerSecond;
    this.#run();
  }

  /** Latency added in each direction, milliseconds. */
  delay(delayMs: number): void {
    this.#faults.delayMs = delayMs;
    this.#run();
  }

  /** Breaks the connection that carries the n-th byte from clients, counted from now, after it. */
  closeAfterBytes(bytes: number): void {
    this.#faults.bytesUntilClose = bytes;
  }

  /** Decides for each chunk from a client whether the connection breaks; undefined = never. */
  setRule(rule: ChunkRule | undefined): void {
    this.#faults.rule = rule;
  }

  /** Resets the connections there are; new ones are accepted. */
  breakConnections(): void {
    for (const link of this.#links) link.reset();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  readonly #accept = (client: Socket): void => {
    this.#statistics.connectionsAccepted += 1;
    this.#links.add(
      new Link({
        client,
        target: this.#target,
        faults: this.#faults,
        statistics: this.#statistics,
        paces: this.#paces,
        onClosed: (link) => this.#links.delete(link),
      }),
    );
  };

  #become(state: LineState): void {
    if (this.#faults.state === 'cut') throw new Error('the line is cut; restore it first');
    this.#faults.state = state;
    this.#run();
  }

  #run(): void {
    for (const link of this.#links) link.run();
  }
}

/** Starts a proxy in front of `targetPort`; the target need not be there yet. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const port = options.port ?? (await freePort());
  return new FaultProxy(options, port, await listen(port));
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

async function closeServer(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}
