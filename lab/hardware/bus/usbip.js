/**
 * The device's end of USB/IP as the kernel's virtual host controller (vhci-hcd) speaks it: the four
 * messages of an attached device, without the handshake (Linux, Documentation/usb/usbip_protocol.rst).
 * Only endpoint 0 exists.
 */
const HEADER_BYTES = 48;
const CMD_SUBMIT = 1;
const CMD_UNLINK = 2;
const RET_SUBMIT = 3;
const RET_UNLINK = 4;
const ECONNRESET = 104;

/**
 * Serves a connection of the kernel until it closes.
 *
 * @param {import('node:net').Socket} socket
 * @param {(setup: Buffer, data: Buffer) => Promise<{ errno: number, bytes?: Uint8Array }>} control
 *   carries out a control request; may take as long as it likes, the kernel gives up by itself
 */
export function serveUsbip(socket, control) {
  /** Requests under way; one that the kernel has given up is no longer answered. */
  const underWay = new Set();
  let rest = Buffer.alloc(0);

  const submit = async (header, data) => {
    const [number, direction] = [header.readUInt32BE(4), header.readUInt32BE(12)];
    const wantedBytes = header.readInt32BE(24);
    underWay.add(number);
    const { errno, bytes } = await control(header.subarray(40, 48), data);
    if (!underWay.delete(number) || !socket.writable) return;
    const payload = direction === 1 && errno === 0 ? (bytes ?? []).slice(0, wantedBytes) : [];
    const reply = replyHeader(RET_SUBMIT, number);
    reply.writeInt32BE(errno, 20);
    if (errno === 0) reply.writeInt32BE(direction === 1 ? payload.length : data.length, 24);
    socket.write(Buffer.concat([reply, Buffer.from(payload)]));
  };
  const unlink = (header) => {
    const reply = replyHeader(RET_UNLINK, header.readUInt32BE(4));
    if (underWay.delete(header.readUInt32BE(20))) reply.writeInt32BE(-ECONNRESET, 20);
    socket.write(reply);
  };

  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const header = rest.subarray(0, HEADER_BYTES);
      const command = header.readUInt32BE(0);
      const isWrite = command === CMD_SUBMIT && header.readUInt32BE(12) === 0;
      const end = HEADER_BYTES + (isWrite ? header.readInt32BE(24) : 0);
      if (rest.length < end) return;
      const data = rest.subarray(HEADER_BYTES, end);
      rest = rest.subarray(end);
      if (command === CMD_UNLINK) unlink(header);
      else void submit(header, data);
    }
  });
  socket.on('error', () => {});
}

function replyHeader(command, number) {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(command, 0);
  header.writeUInt32BE(number, 4);
  return header;
}
