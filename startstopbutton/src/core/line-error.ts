/** Why a GPIO line cannot be used. Nothing here ends the service: it reports and tries again. */
export type LineErrorCode =
  /** No `/sys/class/gpio`: not a Pi, or a kernel without this interface. */
  | 'no_sysfs_gpio'
  /** No `/dev/gpiochip*`: not a Pi, or a container without them. */
  | 'no_gpio_device'
  /** The programs of package gpiod are not installed, or of a version that is not known. */
  | 'no_gpiod_tools'
  /** There are GPIO chips, but none that carries the Pi's header. */
  | 'no_known_chip'
  | 'no_such_line'
  /** Another program or a kernel driver holds the line. */
  | 'line_busy'
  | 'no_permission'
  /** The library for the lines is not there or does not load. */
  | 'no_library'
  /** Nobody serves the simulator's socket. */
  | 'no_simulator'
  /** The line was open and has gone. */
  | 'line_lost'
  | 'line_failed';

export class LineError extends Error {
  override readonly name = 'LineError';
  readonly code: LineErrorCode;

  constructor(code: LineErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
