-- A row is what all shops together sold of one commodity by weight in one week.
-- key: commodity, week
-- part: month of week
-- column week: its Monday
-- column sold_kg: kg, as sold; where the shelf was empty demand was higher
-- column days: days with a sale
-- check: sold_kg > 0
select
  commodity,
  cast(date_trunc('week', day) as date) as week,
  min(category) as category,
  cast(sum(sold_kg) as decimal(18, 4)) as sold_kg,
  count(distinct day) as days
from sales_daily
where sold_kg is not null
group by commodity, cast(date_trunc('week', day) as date)
