/**
 * A USB adapter of the kind "i2c-tiny-usb": descriptors, and the vendor requests by which the
 * kernel's ordinary driver of that name makes I2C transfers (Linux, drivers/i2c/busses/i2c-tiny-usb.c).
 * The chips on its bus are models.
 */
const VENDOR = 0x40;
const TYPE_MASK = 0x60;
const STALLED = { errno: -32 };

const ECHO = 0;
const GET_FUNCTIONS = 1;
const SET_DELAY = 2;
const GET_STATUS = 3;
/** 4 to 7: a transfer, with the bits "begin" (start condition) and "end" (stop condition). */
const TRANSFER = 4;
const READ_FLAG = 1;

/** Raw transfers, and SMBus as the kernel makes it of them. */
const I2C_FUNCTIONS = 0x0eff0001;
const ACKNOWLEDGED = 1;
const NOT_ACKNOWLEDGED = 2;

const DEVICE = [18, 1, 0x10, 0x01, 0xff, 0, 0, 8, 0x03, 0x04, 0x31, 0xc6, 0x05, 0x02, 1, 2, 0, 1];
const CONFIGURATION = [9, 2, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xff, 0, 0, 0];
const STRINGS = [[4, 3, 9, 4], text('holdfast lab'), text('i2c-tiny-usb')];

function text(words) {
  const bytes = [...Buffer.from(words, 'utf16le')];
  return [bytes.length + 2, 3, ...bytes];
}

export class UsbAdapter {
  #slots;
  #status = 0;

  /** @param {Map<number, import('./slots.js').Slot>} slots what is plugged in, by address */
  constructor(slots) {
    this.#slots = slots;
  }

  /** Carries out a control request of the kernel. */
  control = async (setup, data) => {
    const [type, request] = setup;
    const value = setup.readUInt16LE(2);
    if ((type & TYPE_MASK) === VENDOR) return this.#vendor(request, value, setup, data);
    const GET_DESCRIPTOR = 6;
    if (type === 0x80 && request === GET_DESCRIPTOR) return descriptor(value >> 8, value & 0xff);
    if (type === 0x80 && request === 0) return { errno: 0, bytes: [0, 0] };
    if (type === 0x80 && request === 8) return { errno: 0, bytes: [1] };
    return [1, 3, 9, 11].includes(request) ? { errno: 0 } : STALLED;
  };

  async #vendor(request, value, setup, data) {
    if (request === ECHO) return { errno: 0, bytes: [value & 0xff, value >> 8] };
    if (request === GET_FUNCTIONS) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(I2C_FUNCTIONS);
      return { errno: 0, bytes };
    }
    if (request === SET_DELAY) return { errno: 0 };
    if (request === GET_STATUS) return { errno: 0, bytes: [this.#status] };
    if (request < TRANSFER || request > TRANSFER + 3) return STALLED;
    const [address, length] = [setup.readUInt16LE(4), setup.readUInt16LE(6)];
    const isRead = (value & READ_FLAG) !== 0;
    const slot = this.#slots.get(address);
    await slot?.untilAnswering();
    this.#status = ACKNOWLEDGED;
    const answer = isRead ? slot?.read(length) : slot?.write(data);
    if (answer === undefined) this.#status = NOT_ACKNOWLEDGED;
    return { errno: 0, bytes: isRead ? (answer ?? Buffer.alloc(length, 0xff)) : [] };
  }
}

function descriptor(type, index) {
  const bytes = { 1: DEVICE, 2: CONFIGURATION, 3: STRINGS[index] }[type];
  return bytes === undefined ? STALLED : { errno: 0, bytes };
}
