/* Numbers, days and moments in the language of the page, as markets/formats.py writes them. */
(() => {
  "use strict";
  const MINUS = "\u2212", NBSP = "\u00a0", ZONE = "Europe/Warsaw";
  const lang = document.documentElement.lang === "en" ? "en" : "pl";
  const point = lang === "en" ? "." : ",", separator = lang === "en" ? "," : NBSP, ungrouped = lang === "en" ? 3 : 4;
  const tag = lang === "en" ? "en-GB" : "pl-PL";

  /* The published digits as they came: `25772.10` is 25 772,10; CLDR pl groups from five integer digits on. */
  const number = (text) => {
    const [whole, decimals] = String(text).replace("-", "").split(".");
    const grouped = whole.length > ungrouped ? whole.replace(/\B(?=(\d{3})+$)/g, separator) : whole;
    return `${/^-.*[1-9]/.test(text) ? MINUS : ""}${grouped}${decimals ? point + decimals : ""}`;
  };
  const fixed = (value, decimals) => {
    const text = Math.abs(value).toFixed(decimals);
    return number(value < 0 && Number(text) !== 0 ? `-${text}` : text);
  };
  const signed = (value, decimals) => (Number(value.toFixed(decimals)) > 0 ? `+${fixed(value, decimals)}` : fixed(value, decimals));
  const percent = (value) => `${signed(value, 2)}%`;

  /* Newer CLDR writes "Sept" in British English. */
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const day = (iso) => {
    const [year, month, date] = iso.slice(0, 10).split("-");
    return lang === "en" ? `${Number(date)} ${MONTHS[Number(month) - 1]} ${year}` : `${date}.${month}.${year}`;
  };
  const local = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short", timeStyle: "short" });
  const moment = (iso) => {
    const [date, time] = local.format(new Date(iso)).split(" ");
    return `${day(date)}, ${time}`;
  };
  const time = (iso) => local.format(new Date(iso)).split(" ")[1];

  /* `8 min temu`, `za 3 godz.`; nothing for what is older than two days. */
  const ages = new Intl.RelativeTimeFormat(tag, { style: "short", numeric: "always" });
  const relative = (iso, now = Date.now()) => {
    const seconds = (new Date(iso) - now) / 1000, size = Math.abs(seconds);
    if (size >= 172800) return "";
    if (size < 60) return lang === "en" ? "now" : "teraz";
    if (size < 3600) return ages.format(Math.trunc(seconds / 60), "minute");
    return ages.format(Math.trunc(seconds / 3600), "hour");
  };

  window.charon = { ...window.charon, format: { lang, tag, number, fixed, signed, percent, day, moment, time, relative } };
})();
