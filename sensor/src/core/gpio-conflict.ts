/**
 * GPIO 2 and 3 are the wires SDA and SCL of I2C bus 1: a button there pulls the bus to ground, and
 * making the pin an input takes it away from the bus altogether. Both services say so at their start,
 * once, with what can be done about it.
 */

const BUS = 1;
const LINES: readonly string[] = ['2', '3'];

/**
 * The remedies, with the values for balena's configuration; the button's service names the same. An
 * overlay in the list replaces the default one, which is therefore repeated. Where the button keeps its pin
 * bus 1, which balena switches on by default, goes off.
 */
export const REMEDIES = [
  'sensors on a software bus, any Pi: bus 3, SDA on GPIO 23 (pin 16), SCL on GPIO 24 (pin 18): BALENA_HOST_CONFIG_dtparam = "i2c_arm=off","spi=on" and BALENA_HOST_CONFIG_dtoverlay = "vc4-kms-v3d","i2c-gpio,bus=3,i2c_gpio_sda=23,i2c_gpio_scl=24,i2c_gpio_delay_us=2"',
  'sensors on another hardware bus, SDA on GPIO 4 (pin 7), SCL on GPIO 5 (pin 29): on a Pi 4 bus 3, BALENA_HOST_CONFIG_dtparam = "i2c_arm=off","spi=on" and BALENA_HOST_CONFIG_dtoverlay = "vc4-kms-v3d","i2c3,pins_4_5"; on a Pi 5 bus 2, "i2c2-pi5,pins_4_5" in its place',
  'the button on another pin: GPIO 17 (pin 11) to ground: BUTTON_PIN = 17, BALENA_HOST_CONFIG_gpio = "17=ip,pu" and BALENA_HOST_CONFIG_dtparam = "i2c_arm=on"',
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
