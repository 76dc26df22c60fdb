import { connect, createServer } from 'node:net';

/**
 * Ports for servers. Below 32768, where Linux takes the ports of outgoing connections from: a port
 * of that range could be taken while its server is restarted, even by a client that keeps trying to
 * reach the server and so connects to itself.
 */
const SERVER_PORTS = { first: 20_000, count: 12_000 };
const given = new Set<number>();

/**
 * A TCP port of the loopback interface that is free, that this process has not given before, and
 * that no other process of this machine has been given and may yet bind: servers bind theirs later,
 * and leave it for a while when they are killed.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = SERVER_PORTS.first + Math.floor(Math.random() * SERVER_PORTS.count);
    if (given.has(port)) continue;
    given.add(port);
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error('no free TCP port found');
}

/**
 * Takes a port for this process, for as long as it lives; false when another one has it. The claim
 * is a socket with an abstract name (unix(7)), which the kernel removes with its process however
 * that ends. Other systems than Linux have no such names: there nothing is claimed.
 */
async function claim(port: number): Promise<boolean> {
  const server = createServer().unref();
  return await new Promise((resolve) => {
    server
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
      .listen(`\0holdfast-port-${port}`, () => resolve(true));
  });
}

/** Whether nothing listens on this port of the loopback interface. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

/** Resolves when something accepts connections on the port; rejects after `timeoutMs`. */
export async function untilListening(port: number, timeoutMs = 15_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await accepts(port))) {
    if (performance.now() > deadlineMs) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether something accepts connections on the port now. */
export async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * Resolves with the first value of `probe` that is neither undefined nor false; rejects after
 * `timeoutMs`, naming `what`. For conditions of other processes, which give no event to wait for.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
