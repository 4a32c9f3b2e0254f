	Blog_probabilitiesJ$
׀מְלחמְ[†ְ7ּוְגˆְ|&ְֳ™ף…ְbˆ‹ְ³½