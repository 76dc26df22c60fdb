/** The HTTP server: ports, limits on connections, an orderly end. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

const MAX_CONNECTIONS = 256;
/** Idle connections of viewers that ask every few seconds stay open between two questions. */
const KEEP_ALIVE_MS = 30_000;
const REQUEST_MS = 10_000;

export interface ServeOptions {
  readonly port: number;
  /** Undefined: every address. */
  readonly bind: string | undefined;
  readonly handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly onBug: (path: string, error: unknown) => void;
}

/** Listens until `signal` aborts; rejects when the port cannot be had. */
export async function serve(
  options: ServeOptions,
  onListening: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { port, bind, handler, onBug } = options;
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      handler(request, response).catch((error: unknown) => {
        // The other side has gone, or an answer could not be made; the others are not affected.
        onBug(request.url ?? '', error);
        response.destroy();
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    signal.addEventListener('abort', () => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    server.listen({ port, ...(bind === undefined ? {} : { host: bind }) }, onListening);
  });
}
