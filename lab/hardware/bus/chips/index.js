/** The models by the name of their driver in the sensor service. */
import { Bme680 } from './bme680.js';
import { Bme280, Bmp280 } from './bosch.js';
import { Ads1115, Aht20, Bh1750, Ina219, Lm75, Mcp9808, Tmp102, Veml7700 } from './others.js';
import { Scd4x, Sht3x, Sht4x } from './sensirion.js';

export const CHIPS = {
  ads1115: Ads1115,
  aht20: Aht20,
  bh1750: Bh1750,
  bme280: Bme280,
  bme680: Bme680,
  bmp280: Bmp280,
  ina219: Ina219,
  lm75: Lm75,
  mcp9808: Mcp9808,
  scd4x: Scd4x,
  sht3x: Sht3x,
  sht4x: Sht4x,
  tmp102: Tmp102,
  veml7700: Veml7700,
};
