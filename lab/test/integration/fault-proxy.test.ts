import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { startFaultProxy } from '@holdfast/lab/fault-proxy';
import type { FaultProxy } from '@holdfast/lab/fault-proxy';
import { until } from '@holdfast/lab/servers';

/** A server that keeps what it gets and can echo it. */
interface Peer extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Socket[];
  received: string;
  receivedBytes: number;
}

async function startPeer(options: { echo?: boolean; paused?: boolean } = {}): Promise<Peer> {
  const server = createServer({ pauseOnConnect: options.paused ?? false });
  const peer: Peer = {
    port: 0,
    sockets: [],
    received: '',
    receivedBytes: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of peer.sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('connection', (socket) => {
    peer.sockets.push(socket);
    socket.on('error', () => {});
    if (options.paused) return;
    socket.on('data', (chunk) => {
      peer.receivedBytes += chunk.length;
      if (peer.receivedBytes < 1_000_000) peer.received += chunk.toString();
      if (options.echo) socket.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(peer, { port: address.port });
}

interface Client extends Disposable {
  readonly socket: Socket;
  received: string;
  closed: string | undefined;
}

async function open(proxy: FaultProxy): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1');
  const client: Client = {
    socket,
    received: '',
    closed: undefined,
    [Symbol.dispose]: () => socket.destroy(),
  };
  let reason = 'end';
  socket.on('error', (error: NodeJS.ErrnoException) => (reason = error.code ?? 'error'));
  socket.on('close', () => (client.closed = reason));
  socket.on('data', (chunk) => (client.received += chunk.toString()));
  await once(socket, 'connect');
  return client;
}

test('an open line passes bytes and ends in both directions', async () => {
  await using peer = await startPeer({ echo: true });
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  using client = await open(proxy);
  client.socket.write('hello');
  await until('the echo', () => client.received === 'hello');
  client.socket.end();
  await until('both ends are closed', () => client.closed === 'end');
  const { bytesToServer, bytesToClient, connectionsAccepted, connectionsBroken } = proxy.statistics;
  assert.deepEqual(
    { bytesToServer, bytesToClient, connectionsAccepted, connectionsBroken },
    { bytesToServer: 5, bytesToClient: 5, connectionsAccepted: 1, connectionsBroken: 0 },
  );
  await until('the link is forgotten', () => proxy.statistics.connectionsOpen === 0);
});

test('a cut resets connections and refuses new ones until it is restored', async () => {
  await using peer = await startPeer({ echo: true });
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  using before = await open(proxy);
  before.socket.write('x');
  await until('the echo', () => before.received === 'x');
  await proxy.cut();
  await until('the client is reset', () => before.closed === 'ECONNRESET');
  await assert.rejects(open(proxy), { code: 'ECONNREFUSED' });
  await proxy.restore();
  using after = await open(proxy);
  after.socket.write('y');
  await until('the echo', () => after.received === 'y');
});

test('a frozen line accepts, keeps and passes nothing, and delivers in order when it thaws', async () => {
  await using peer = await startPeer({ echo: true });
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  using old = await open(proxy);
  old.socket.write('a');
  await until('the echo', () => old.received === 'a');
  proxy.freeze();
  using fresh = await open(proxy);
  fresh.socket.write('new');
  old.socket.write('b');
  await new Promise((resolve) => old.socket.write('c', resolve));
  // The server's own connection to us works: had anything passed, it would be here first.
  peer.sockets[0]?.write('late');
  await until('the fresh connection reached the server', () => peer.sockets.length === 2);
  assert.equal(proxy.statistics.bytesToServer, 1);
  assert.equal(old.received, 'a');
  proxy.thaw();
  await until('both echoes', () => old.received === 'alatebc' && fresh.received === 'new');
  assert.equal(proxy.statistics.connectionsBroken, 0);
});

test('a half-open line swallows what the client sends, keeps the socket, and passes answers', async () => {
  await using peer = await startPeer();
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  using client = await open(proxy);
  client.socket.write('heard');
  await until('the first bytes', () => peer.received === 'heard');
  proxy.halfOpen();
  client.socket.write('lost');
  await until('the bytes are swallowed', () => proxy.statistics.bytesSwallowed === 4);
  peer.sockets[0]?.write('still here');
  await until('the server is heard', () => client.received === 'still here');
  assert.equal(client.closed, undefined);
  assert.equal(peer.received, 'heard');
  await proxy.restore();
  await until('the torn connection is reset', () => client.closed === 'ECONNRESET');
});

test('memory stays bounded when a client floods a frozen line or a server that does not read', async () => {
  for (const frozen of [true, false]) {
    await using peer = await startPeer({ paused: !frozen });
    await using proxy = await startFaultProxy({ targetPort: peer.port });
    using client = await open(proxy);
    if (frozen) proxy.freeze();
    const block = Buffer.alloc(1 << 20);
    for (let i = 0; i < 64; i += 1) client.socket.write(block);
    // Kernel buffers and the proxy's queue fill, then the client's writes wait: most of the 64 MiB
    // stays with the client.
    let last = -1;
    await until('the flood has come to a stop', async () => {
      const sent = client.socket.bytesWritten - client.socket.writableLength;
      const still = sent === last && sent > 0;
      last = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return still;
    });
    assert.ok(client.socket.writableLength > 40 << 20, `${client.socket.writableLength} waiting`);
  }
});

test('a throttled line passes everything, no faster than its rate', async () => {
  await using peer = await startPeer();
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  proxy.throttle(100_000);
  using client = await open(proxy);
  const startedMs = performance.now();
  client.socket.write(Buffer.alloc(50_000));
  await until('all bytes', () => peer.receivedBytes === 50_000);
  assert.ok(performance.now() - startedMs >= 400);
});

test('a delayed line adds its latency in each direction', async () => {
  await using peer = await startPeer({ echo: true });
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  proxy.delay(100);
  using client = await open(proxy);
  const startedMs = performance.now();
  client.socket.write('ping');
  await until('the echo', () => client.received === 'ping');
  assert.ok(performance.now() - startedMs >= 195);
});

test('closing after a number of bytes delivers exactly these and resets the client', async () => {
  await using peer = await startPeer();
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  proxy.closeAfterBytes(7);
  using client = await open(proxy);
  client.socket.write('12345');
  await until('the first bytes', () => peer.received === '12345');
  client.socket.write('6789');
  await until('the client is reset', () => client.closed === 'ECONNRESET');
  await until('the server has the rest', () => peer.received === '1234567');
  using next = await open(proxy);
  next.socket.write('again');
  await until('the next connection works', () => peer.received === '1234567again');
});

test('a rule breaks the connection before or after the server gets a chunk', async () => {
  await using peer = await startPeer({ echo: true });
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  proxy.setRule((chunk) => (chunk.includes('secret') ? 'close_before' : 'close_after'));
  using first = await open(proxy);
  first.socket.write('secret');
  await until('the client is reset', () => first.closed === 'ECONNRESET');
  using second = await open(proxy);
  second.socket.write('public');
  await until('the client is reset', () => second.closed === 'ECONNRESET');
  await until('the server has the chunk', () => peer.received === 'public');
  assert.equal(second.received, '');
  assert.equal(proxy.statistics.connectionsBroken, 2);
});

test('a server that is not there resets the client, and is found once it is', async () => {
  const peer = await startPeer();
  await peer[Symbol.asyncDispose]();
  await using proxy = await startFaultProxy({ targetPort: peer.port });
  using client = await open(proxy);
  await until('the client is reset', () => client.closed !== undefined);
});
