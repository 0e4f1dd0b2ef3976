/** Asks the station what will be told of an alert, and waits no longer than a page may. */
import type { AlertKey } from '../station/core/alert.ts';
import type { Acknowledging, Forecast } from '../station/core/forecast.ts';
import { type Duration, days } from '../time.ts';
import type { Web } from './context.ts';
import { stationWait } from './frame.ts';
import { within } from './wait.ts';

/** So many are worked out at once, whoever asks: meanwhile the station takes in no alerts. */
export const forecastsAtOnce = 2;
/** Further ahead calendars say little, and nobody asks. */
export const forecastLengthMax = days(31);

/** Null: there is no such alert any more, or the station did not say in time. */
export async function forecastOf(
  web: Web,
  alert: AlertKey,
  length: Duration,
  acknowledge: Acknowledging | null,
): Promise<Forecast | null> {
  let waiting = true;
  const work = () => web.station.forecast(alert, length, acknowledge);
  const asked = web.forecasts
    .run(work, () => waiting)
    .catch((error: unknown) => {
      web.log.error({ alert, error: String(error) }, 'what happens next could not be worked out');
      return null;
    });
  const found = await within(web.clock, stationWait, asked, null);
  waiting = false;
  return found;
}
