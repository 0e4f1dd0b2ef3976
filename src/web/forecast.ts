/** Asks the station what will be told of an alert, and waits no longer than a page may. */
import type { AlertKey } from '../station/core/alert.ts';
import type { Acknowledging, Forecast } from '../station/core/forecast.ts';
import { type Duration, days } from '../time.ts';
import type { Web } from './context.ts';
import { stationWait } from './frame.ts';
import { within } from './wait.ts';

/** Further ahead calendars say little, and nobody asks. */
export const forecastLengthMax = days(31);

/** Null: there is no such alert any more, or the station did not say in time. */
export async function forecastOf(
  web: Web,
  alert: AlertKey,
  length: Duration,
  acknowledge: Acknowledging | null,
): Promise<Forecast | null> {
  const asked = web.station.forecast(alert, length, acknowledge).catch((error: unknown) => {
    web.log.error({ alert, error: String(error) }, 'what happens next could not be worked out');
    return null;
  });
  return within(web.clock, stationWait, asked, null);
}
