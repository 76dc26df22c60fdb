/**
 * GPIO 2 and 3 are the wires SDA and SCL of I2C bus 1: a button there pulls the bus to ground, and
 * making the pin an input takes it away from the bus altogether. Both services say so at their start,
 * once, with what can be done about it.
 */

const BUS = 1;
const LINES: readonly string[] = ['2', '3'];

/** The remedies, with the values for balena's configuration. */
export const REMEDIES = [
  'a bus in software on GPIO 23 (SDA) and 24 (SCL), any Pi: BALENA_HOST_CONFIG_dtoverlay="i2c-gpio,bus=3,i2c_gpio_sda=23,i2c_gpio_scl=24" and BALENA_HOST_CONFIG_dtparam="i2c_arm=off", sensors then on bus 3',
  'another bus of the chip on GPIO 22 (SDA) and 23 (SCL): on a Pi 4 BALENA_HOST_CONFIG_dtoverlay="i2c6,pins_22_23", sensors on bus 6; on a Pi 5 BALENA_HOST_CONFIG_dtoverlay="i2c3-pi5,pins_22_23", sensors on bus 3',
  'the button on another pin, for instance BUTTON_PIN=17 (header pin 11)',
] as const;

/**
 * @param pin what the button's service says about its line; null = it has said nothing
 * @param busesInUse numbers of the buses on which sensors are named, found or looked for
 */
export function isConflict(pin: string | null, busesInUse: readonly number[]): boolean {
  return pin !== null && LINES.includes(pin) && busesInUse.includes(BUS);
}

/** The sentence for people. */
export function conflictText(pin: string): string {
  const remedies = REMEDIES.map((remedy, i) => `(${i + 1}) ${remedy}`).join('; ');
  return `GPIO ${pin} is used by the button and by I2C bus ${BUS}: each press cuts the sensors off. Choose: ${remedies}`;
}
