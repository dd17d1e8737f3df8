/**
 * English words one letter away from a word of the lexicon, without a plural s: they are meant, not misspelt. From the
 * SCOWL word list (wamerican 2020.12.07, copyright Kevin Atkinson, free to use and distribute).
 */
export const ENGLISH: ReadonlySet<string> = new Set(
  `
  aback abeam abide abject aboard abode abridge abroad acceleration acrylic affect afire afoot aground aides
  aired airing alight aline alined alive altitude amass amasses ameer amplitude angel angled angler angling
  ankle annular antes anther antic aping aptitude aquae aquas aright arise arising asses aster atone attitude
  aunts automobiled aweigh awing backs baggy bails balds bales balking balks balling ballsy balms balsa balsam
  bands banging bangs barbs bares barfs barge barks barns barred barren basses bawling bawls beady beaning beech
  beeps beetled begged belch bellow bells berms bides biggie billiards billion binding blacker blank bleach
  bless bling blink blobbed blobbing blobs blocs blogs bloom blots blown blued bluer blues blush boars bobbed
  bobbing bodice boggy bogie boiling boils bolder bombs bones boney boobs booms booth boots bores bossed bossing
  botch bother bough bouncer bound bounded bounder bounding bounty bower bowing bowlder boxed boxen boxer brace
  brags brain braining braise braised braising brash brassy brats brawler brays breach bread bride bridle bring
  brink brisk broad bronze bronzed brood brook broth brown brunch bucked bucks budgie bugger buggier buggiest
  bulgy bulled bulls bully bumble bumbling bungs buoys burgs burned burning burns butch cabled cackle calking
  caller calling camber camped camper camping camps canon canyon caper capsuled carat carbon caret carrel
  cartoon carve carved carving caste caster cater caves cedes cement chads chair changing chaps charcoal chart
  chats cheap chick chile chili chock chopper choral chord chose churl cinch cinches circle circled circlet
  circular clack clacked clank clans class cleaning clement clever click clicked climb clime cling clinging
  clink clinker cloak clogs close closed closer closet clots clove cluck clung coals coast cocky coeds
  coefficient colds compound compresses concrete concreted constant coons cooper coops coots copes copier copped
  copper coppery copter coral cored corms corps corral costs cotter cough coupe couple coupled couplet cover
  cower cowling cowls cozen cracker cradled cramp crams craned crank crass crated crater crawled creak cream
  creamy create crick crimson crone cropped cropper cropping crops cross crown crows crystal cubed culled curate
  curbed curbing curds cured curie curing curling curls curse cursed cursing curvy cuter czars dammed damming
  damned damning damper damps dandle dandling dangled dapper deaden dearth decree deduced deice demolition
  denser desks destitution deter devolution diameter diamond diced dices dicey dicks diets digger dikes dined
  dings dipped dirks disco discus displace displacement displayed distance distanced dives doable docks doily
  doles dolled dolling dolls doming dongle dopes doubly doubted dough downs downy doyen dozed drags draining
  drawl draws dream dregs dries dripped dripping drips droll droller droop drooped drooping dropper dropping
  dropsy dross drover drubs drugs ducks dulled dully dumped dumping dunce eater eaves edged edger egged eighteen
  elastic eleven elide eliding elope ember emerald ether evolution executive expended failing fails falter fangs
  farce fared fares faring farms fasted fasten fasts fatter feast featherweight feces felling fellow fells
  fencer fends fester fetal fever fiction fifes fifteen fifth fighter filed filing filling filly finch finches
  finding fining finks firmed firming firms fiver fixes fixing flack flank fleet flick flicker flight fling
  flint flippy flogs flood flour flunk flying foams fobbed fobbing foils foist folly fonts foods footfall foray
  forced fords forest forge formal foster foully found fourteen fowling foxes fraction freed freer frees fridge
  fried fries fright frigid fringing fritter frock frown froze fuchsia fucks fulled fulling fumble fumbling
  furled furling furls gaining galling ganging gangling gangs gapes garble gasps gasses geeks geese genes
  gentile gentle gentled gentler gentry genus giant gifted gifting gillion girds girts glads glassy gleaning
  glide gliding globed globs gloss glove glued glues gluey goads gobbed gobbing golds golfs goody goose grabs
  grace gradient grain grandfather grange grant grate graveling gravelling gravy grease greed green greet greys
  grids grind gripe gripped grips groan groin groom grope growl grown grows gulled gulley gully guzzle gyros
  hackle hallow hamper handful handing handsful handy hanging hardy hared harmonic harmonica harms hater hatred
  haunch haunches haves headier heady heals heard hears hearth heats heave heavies heeled heels hefts heist
  helps hence hickey hides highs hilly hilts hinds hinging hipped hired hiring hither hoard hocked hocks hokey
  holes holler homey honed hones honey hoods hooey hoofs hookey hooks hooting hopes hopper horizontal hotbed
  hotkey hotlink hotter hound hover howling huger hulling hulls humble humbling hunch hurdled hurdling hurler
  hurls hurting hurtled hurtling hurts inched inclination infect initial inject inline insert inserted inset
  inspect invented invested irons irony itches jangling jeers jigger jilted jingle jobbed jobbing jockey jocks
  jointing jounced jouncing jovial jumble jumbling karat keeps khaki kicker kicks kicky kilns kilts kinds kings
  kinked kinking kinks knits knobs knows laden lager lagged lambs lamps larder lards large largo lasses later
  latitude lavender leaded leader leafing leaking leaning leaping leaps learning leasing leaven leaving leers
  lefty lends leper levee level lexer licked licking licks liens lifts light lighten lighter lightweight liked
  likes lilting limber limbo limned limns limos limps linen liner linger linting listed listing littler lived
  liver lives livid loafs loamy loaning loans lobbied lobbying lobed lobes lodger lofted lofting lofts loges
  logged logger logos loins lolled lolling lolls longed loops loose loosed loosen looser loser lotus louse louts
  loving lowed lowly loxes loyal lubber lubricate lucks lugged lulled lunched lunches lunching lyres macroscopic
  males manes mangling mangy manly manse marbled mares marks maroon marsh martial martian martin mashes masks
  massed master masts meaning means medal mellow mends mental menus messes metal meted meteor metro miens mighty
  mikes miler milfs milks minding minds mined mingle miniature minim miniscule minty minuet minus minuscule
  minuses minutest mired miring misplaced misses missive miter mites mixes moans mobbed mobbing mocks moire
  moist molls money monger moody mooing moons moose moots mopes moping moral morasses mores moron mortal mosses
  mother mound mover mower mowing mucks muggy mules mulled mullion mumble mumbling munch musses muzzle muzzled
  naves negative negatived neigh neighed neighing nicety niche nicked nicking niece nifty nigger nigher nighty
  nineteen nipped nonwhite noose notation nuder nuzzle nylon oaten ocher oinks olden olive omega opals opine
  orals orange orate orbit other otter ouster outed overs owing paces pacing packaged packs pager paining pains
  paint painting pairs paled palled palling panes pangs pants paper papered papery parson passes passive pasts
  paunch paunches pauper paves payer pebbled pebbly pecks peeps pegged pence pends people peopled percent perch
  persona pests petal peter phoney picked picking picks pieced pierce piing pilled pillion pinch pinches pings
  pinky pinning pints piped piper pipped place planted plastic plasticity plate plead plies plight plonk plots
  pluck plumb plummet plunk poach poets pointy pokes poled polisher polishes polling ponds pones pools poops
  pores ports posit potter pounced pouncing pours pouts power praise praised praising prank prate prawn preach
  preen prick print printing prods prong propped propping props prows puller pullet pulls pulped pulsed punch
  punks purling purls purple purpler puzzle pylon pyres quack quadruple quadruplet quarter quartet quirk rabid
  raced racer races racks radial radio radium raided raids railed rained rains rainy raise raisin range ranging
  rants raped rapes rapid rasps raster rated raveling ravelling raves reams reaps rebound redound reduce reining
  release rends resistance resolution resound revere revered reverie reverted rewound ricked ricking rides ridge
  rifted rifting righter rimes rinds rings rinks ripped ripper rising risks river robbed robber robbery robbing
  robes robotic roger roiled roiling roman romps roods rooks rooms roped roses rotated rotting rouge rough
  router roved roving royal rubbed rubber rubier rugby ruing ruining rumble rumbling rumps rungs sacked sacks
  sades sallow salmon salon saloon salsa salver sands sarong sasses saves sawing scans scanted scare scars scone
  scoot scooting scope score scored scorer scorn scream scuff seams sects seduced seedy seeps seize seized sells
  semen sends sense seven seventeen seventh sever sewing shack shade shaded shake shaking shale shallot shallow
  shame shamed shard share shared sharped shave shaved sheep shelf shingle shinning shinny shins shirt shone
  shooing shook shoon shoos shooter shooting shorn shorted shorten shorting shots shout shouting shower shtick
  sicked sicking sicks sided siding sidle sifted sifter sifting silos silted singe singing single singled singly
  sings sinks sinner sinning sipped sirup sises sited sites sixes sixteen sixth sizer sizes skids skiff skinning
  skins slack slacked slacker slaking slated sleep sleeper slice slicing slicker slight slighter slims slimy
  sling slinging slinkier slinkiest slipper sliver sloes slogs sloped sloppy slops slots slowed slows smack
  smacked small smell smile smooch smooth smoothy snack snacked snacking snaring sneaking snider sniff snoot
  snore snort snots snowfall snuff soaking soaped sobbed sobbing socks soften softy soils soles solver sooth
  sorest sorry sough sound sours sower sowing spacy spade spaded spading spake spanner spanning spans spare
  spared spate spayed spaying specs spell spend spewed spice spiced spicing spidery spied spies spill spinal
  spine spinier spiny spiral spits spittle sponge sponged sponger spongy spore sporing sport sprang spreed sprig
  sprint sprung spunk spurn spying stable staff staffer staked staking stalk stalked standard stank staring
  stark starlet station steel steep steeped steeple stems stiffed stiffen stile stilt stilted stinging stink
  stocked stocky stoke stole stoned stoner stoney stony stool stops store storing stove straight strep stretcher
  stretches stretchy struck stuffy stumble stumbling stung sucks suction suing sully sunder super superb supper
  surer surfaced suspender suspension swallow sweep sweeper swell swigging swigs swine swirling swore syrup
  syrupy tabled tablet tacked tackler tacks taken talker talking tally tames tamped tamper tamping tamps
  tangling tangs taper tapped tares taster tatter teals teams teenage teenaged teller tends tense terns
  terrestrial tester thicken thicket thigh think thinned thinner thirsty thirteen thong threat three throb throe
  ticked ticker ticking tickle ticks tiers tighter tilde tilled tiller timber timbre timed timer tingle tings
  tinny tinted tipis tipper tippled tipsy tiring tiros titan title titled titter tittle toads toddle toddled
  tolled tolling tomes toner tongs topped tosses totted tough tours towed towel towns trace track train training
  tramp trams traveling trawler tread treadle trice tries trifle trios tripe triple tripled triplet triply
  tripped trips troll trolling trolly trons trope trotter trough troys truce trunk tubas tubed tuber tumbled
  tumbler tuned tunes tuning turds turfed turfing turfs turner turquoise tuxes twain tweak tweeter twelve
  twinging twink twins tying tykes types tyros udder umber upright upside uptight upward valance vamped vamping
  vamps vanes vapid vaster veeps venous vents venue vertical vesicle vines violent violet voles wacker wader
  wades wafer wager wages wails waiter waive waken wakes waking waling walked wands wanes wangling wanking wants
  warble wards warms water watery waver waxes weaning weave wedged wedgie weeps weighted weighting wells wending
  wends wheal wheedled wheeler wheezed whine white whiten whiter whits whoop wicked widen wider width wifely
  wight wilted winch winches wincing wined wines wings wining winking winks winning wired wiring wisely wises
  witch wizes women wooded woodmen woods woodsy wooed woolen wooly woozy words wordy worries worry wound wreak
  wreaking wring write yarns yellow yipped yocks yours yowling yucks zillion zings zipped
  `.match(/[a-z]+/g),
);
