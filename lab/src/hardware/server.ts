/** The hardware simulator: buses and lines that programs reach over a Unix socket. */
import { rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { errorCode, errorMessage } from '@holdfast/kit';
import { RequestError, parseMessage, splitLines } from './protocol.ts';
import type { Message, Peer, RequestHandler } from './protocol.ts';

export interface HardwareSimulatorOptions {
  /** Path of the Unix socket; a dead one left there is replaced. */
  readonly path: string;
  /** First word of an operation (`gpio` of `gpio_open`) -> who carries it out. */
  readonly handlers: Readonly<Record<string, RequestHandler>>;
}

export interface HardwareSimulator extends AsyncDisposable {
  readonly path: string;
  /** Drops all connections; new ones are accepted. For programs that must come back by themselves. */
  dropConnections(): void;
}

/** Starts it; rejects with EADDRINUSE when another one serves the path. */
export async function startHardwareSimulator(
  options: HardwareSimulatorOptions,
): Promise<HardwareSimulator> {
  const { path, handlers } = options;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, handlers);
  });
  if (await isDeadSocket(path)) await rm(path, { force: true });
  await listen(server, path);
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    path,
    dropConnections,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      dropConnections();
      await closed;
    },
  };
}

function serve(socket: Socket, handlers: HardwareSimulatorOptions['handlers']): void {
  const send = (message: Message) => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
  const peer: Peer = { send, onClose: (listener) => socket.once('close', listener) };
  // A handler per connection may listen for its end; many lines are no leak.
  socket.setMaxListeners(0);
  socket.on('error', () => {});
  const onLine = async (line: string) => {
    const request = parseMessage(line);
    const id = request?.['id'] ?? null;
    try {
      send({ ok: true, ...(await dispatch(request, handlers, peer)), id });
    } catch (error) {
      send({ id, ok: false, code: errorCode(error), message: errorMessage(error) });
    }
  };
  splitLines(
    socket,
    (line) => void onLine(line),
    () => {
      send({ id: null, ok: false, code: 'EMSGSIZE', message: 'the line does not end' });
      socket.end();
    },
  );
}

function dispatch(
  request: Record<string, unknown> | undefined,
  handlers: HardwareSimulatorOptions['handlers'],
  peer: Peer,
): Promise<Record<string, unknown>> {
  const op = request?.['op'];
  if (request === undefined || typeof op !== 'string') {
    throw new RequestError('EINVAL', 'a request is a JSON object with "op", on one line');
  }
  const kind = op.split('_', 1)[0] ?? '';
  const handler = Object.hasOwn(handlers, kind) ? handlers[kind] : undefined;
  if (handler === undefined) {
    const known = Object.keys(handlers).map((name) => `${name}_...`);
    throw new RequestError('ENOSYS', `unknown operation ${op}; there are ${known.join(', ')}`);
  }
  return handler.handle(request, peer);
}

async function isDeadSocket(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isSocket() !== true) return false;
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
