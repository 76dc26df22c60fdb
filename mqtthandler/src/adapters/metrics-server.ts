/** Serves the metrics text over HTTP, to whoever asks: no secrets are in it. */
import { createServer } from 'node:http';

/** Listens until `signal` aborts; a port that cannot be used is reported, forwarding goes on. */
export function serveMetrics(
  port: number,
  render: () => string,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): void {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    // Prometheus text format, version 0.0.4.
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(render());
  });
  server.on('error', onError);
  server.listen(port);
  signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
}
