/** A TCP proxy that can swallow the answers of a server and then cut the connection. */
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

export interface ReplyEater extends AsyncDisposable {
  readonly port: number;
  /** From now on requests pass and answers do not; the first answer swallowed cuts the connection. */
  eatNext(): void;
}

export async function startReplyEater(serverPort: number): Promise<ReplyEater> {
  const sockets = new Set<Socket>();
  let eating = false;
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          end();
        });
    }
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (!eating) return void client.write(data);
      eating = false;
      end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return {
    port: address.port,
    eatNext: () => {
      eating = true;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
