/** How large an SMS may be: apart, because settings are read without what counts segments. */

/** In characters: Twilio takes no more, in however many segments. */
export const smsCharactersMax = 1600;
export const smsSegmentsDefault = 3;
export const smsSegmentsMax = 10;
