	Blog_probabilitiesJ$L*¼éĞÁ]
$Á;ÙÀ¿ˆòÀUt¬À°
ÕÀ‡OÕÀ‹ÑÀ