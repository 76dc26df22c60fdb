/**
 * MQTT over WebSockets, for DPS and hubs alike, as an upgrade of an HTTPS server. The official
 * clients ask for `wss://{host}:443/$iothub/websocket` and leave no choice of port.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, createWebSocketStream } from 'ws';
import { serveMqtt } from './mqtt-connection.ts';
import type { MqttService } from './mqtt-connection.ts';

const PATHS: readonly unknown[] = ['/$iothub/websocket', '/%24iothub/websocket'];
const SUB_PROTOCOL = 'mqtt';

/** What an HTTPS server calls for an upgrade; any path but the one of Azure ends in 404. */
export function webSocketDoor(
  services: readonly MqttService[],
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const door = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.has(SUB_PROTOCOL) && SUB_PROTOCOL,
  });
  return (request, socket, head) => {
    const [path] = (request.url ?? '').split('?');
    if (!PATHS.includes(path)) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    door.handleUpgrade(request, socket, head, (webSocket) =>
      serveMqtt(createWebSocketStream(webSocket), services, socket),
    );
  };
}
