-- A row is the mean price of one commodity and grade on one market in one month.
-- key: market, commodity, grade, month
-- part: year of month
-- column month: its first day
-- column price_cny_per_kg: CNY/kg, mean over the days with a quote
-- column days: days with a quote
-- check: price_cny_per_kg > 0
select
  market, commodity, grade,
  cast(date_trunc('month', day) as date) as month,
  min(category) as category,
  cast(avg(price_cny_per_kg) as decimal(18, 4)) as price_cny_per_kg,
  count(*) as days
from price_daily
group by market, commodity, grade, cast(date_trunc('month', day) as date)
