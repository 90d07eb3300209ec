-- A row is the mean price of one commodity and grade on one market in one week.
-- key: market, commodity, grade, week
-- part: year of week
-- column week: its Monday
-- column price_cny_per_kg: CNY/kg, mean over the days with a quote
-- column days: days with a quote
-- check: price_cny_per_kg > 0
select
  market, commodity, grade,
  cast(date_trunc('week', day) as date) as week,
  min(category) as category,
  cast(avg(price_cny_per_kg) as decimal(18, 4)) as price_cny_per_kg,
  count(*) as days
from price_daily
group by market, commodity, grade, cast(date_trunc('week', day) as date)
