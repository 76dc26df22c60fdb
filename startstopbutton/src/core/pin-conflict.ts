/**
 * GPIO 2 and 3 are the two wires of I2C bus 1: a button there and a sensor on that bus exclude each
 * other. What to set is in one place, for the log, the status and the README.
 */

export const BUS_PINS: readonly number[] = [2, 3];
/** `sensor:<driver>-<bus>-<address>`, a field of `sensor:status`. */
const ON_BUS_1 = /^sensor:([a-z0-9]+-1-[0-9a-f]{2}.*)$/;

export interface Remedy {
  readonly what: string;
  readonly boards: string;
  /** Variables to set, of the device or of the services, with their values. */
  readonly set: Readonly<Record<string, string>>;
}

/** Overlays in a list replace the default one, which is therefore repeated. */
const GRAPHICS = '"vc4-kms-v3d"';
/** balena's default is `i2c_arm=on`: bus 1 would stay, and sensors be looked for on the button's pin. */
const BUS_1_OFF = '"i2c_arm=off","spi=on"';

export const REMEDIES: readonly Remedy[] = [
  {
    what: 'sensors on a software bus: bus 3, SDA on GPIO 23 (pin 16), SCL on GPIO 24 (pin 18)',
    boards: 'all',
    set: {
      BALENA_HOST_CONFIG_dtparam: BUS_1_OFF,
      BALENA_HOST_CONFIG_dtoverlay: `${GRAPHICS},"i2c-gpio,bus=3,i2c_gpio_sda=23,i2c_gpio_scl=24,i2c_gpio_delay_us=2"`,
    },
  },
  {
    what: 'sensors on another hardware bus: bus 3, SDA on GPIO 4 (pin 7), SCL on GPIO 5 (pin 29)',
    boards: 'Pi 4, CM4, 400; on a Pi 5 the overlay is i2c2-pi5,pins_4_5 and the bus number 2',
    set: {
      BALENA_HOST_CONFIG_dtparam: BUS_1_OFF,
      BALENA_HOST_CONFIG_dtoverlay: `${GRAPHICS},"i2c3,pins_4_5"`,
    },
  },
  {
    what: 'the button on another pin: GPIO 17 (pin 11) to ground',
    boards: 'all',
    set: {
      BUTTON_PIN: '17',
      BALENA_HOST_CONFIG_gpio: '"17=ip,pu"',
      BALENA_HOST_CONFIG_dtparam: '"i2c_arm=on"',
    },
  },
];

/** The sensors that a button on this pin disturbs, from the names of the fields of `sensor:status`. */
export function disturbedSensors(pin: number, statusFields: readonly string[]): string[] {
  if (!BUS_PINS.includes(pin)) return [];
  return statusFields.flatMap((field) => ON_BUS_1.exec(field)?.[1] ?? []);
}

/** For people: what is wrong, and what to do. */
export function conflictText(pin: number, sensors: readonly string[]): string {
  const remedies = REMEDIES.map(({ what, set }, i) => {
    const settings = Object.entries(set).map(([name, value]) => `${name} = ${value}`);
    return `(${i + 1}) ${what}: ${settings.join(' and ')}`;
  });
  return (
    `the button on GPIO ${pin} is on a wire of I2C bus 1, which ${sensors.join(', ')} use: ` +
    `one of them will not work. Either ${remedies.join(', or ')}`
  );
}
