# protect.tcl --
#
#	Records that are encrypted like those of an endpoint's engine, and say
#	what the script likes. The engine's own are opened and sealed anew from
#	then on, since their numbers are no longer those on the wire.
#
#	    engine --> open --> protected filters --> seal --> other filters
#	                                 ^
#	    send -protected 1 ----------- seal --> wire
#
#	and the other way round for what comes in. Nothing is done for endpoints
#	whose script asks for none of this. Once it does, the log tells the state
#	in which a direction is: its records are opened with the keys of the log's
#	secrets, and which one opens a record tells what keys are in use. So no
#	state machine of TLS is kept here, and KeyUpdates and renegotiations are
#	followed by themselves.
#
#	A direction (out: what the engine sends) of an endpoint has
#	    protect,D	dict: engine {phase number} of the engine's next record,
#			wire {phase number} of the next one on the wire
#	    guards,D	its protected filters
#	    keys,D	dict: phase -> dict of cipher key iv tls13 secret digest
#	A phase is a number, -1 before the first keys.

namespace eval ::pyossl::expect::protect {
    # The cipher of a suite, and its key's length, by a part of its name.
    variable ciphers {
	AES_128_GCM {aes-128-gcm 16} AES_256_GCM {aes-256-gcm 32}
	CHACHA20_POLY1305 {chacha20-poly1305 32}
	AES_128_CCM {aes-128-ccm 16} AES_256_CCM {aes-256-ccm 32}
    }
}

#------------------------------------------------------------------------
# Keys
#------------------------------------------------------------------------

# The cipher, key length and digest of a suite.
# Errors:
#	PYOSSL EXPECT KIND for one that is no AEAD, or has a short tag.
proc ::pyossl::expect::protect::Suite {suite} {
    variable ciphers
    foreach {part row} $ciphers {
	if {[regexp "_${part}(_SHA\\d+)?\$" $suite]} {
	    return [linsert $row end \
		[expr {[string match *_SHA384 $suite] ? "sha384" : "sha256"}]]
	}
    }
    return -code error -level 2 -errorcode [list PYOSSL EXPECT KIND $suite] \
	"records of $suite cannot be made here: only AES-GCM, AES-CCM and\
	CHACHA20-POLY1305 (-protected 0 sends them in the clear)"
}

# What is known of an endpoint's secrets: a dict with client_random,
# server_random, suite and the secrets by their labels, as bytes.
proc ::pyossl::expect::protect::Known {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set known {}
    foreach line $e(secrets) {
	lassign $line label - secret
	dict set known $label [binary decode hex $secret]
    }
    foreach event $e(log) {
	if {[dict get $event kind] eq "message"} {
	    Hello known [dict get $event name] [dict get $event raw]
	}
    }
    return $known
}

# What a hello tells.
proc ::pyossl::expect::protect::Hello {knownVar name raw} {
    upvar 1 $knownVar known
    switch -- $name {
	ClientHello {
	    dict set known client_random [string range $raw 6 37]
	}
	ServerHello {
	    dict set known server_random [string range $raw 6 37]
	    binary scan [string index $raw 38] cu length
	    binary scan $raw @[expr {39 + $length}]Su code
	    dict set known suite \
		[::pyossl::expect::names::name cipher_suite $code]
	}
    }
}

# Which of the two ends the records of a direction come from.
proc ::pyossl::expect::protect::Side {id direction} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    return [expr {($e(role) eq "client") == ($direction eq "out")
	? "CLIENT" : "SERVER"}]
}

# Phase id direction phase --
#	The keys of a phase: in TLS 1.3 0 is the handshake, 1 the data, and each
#	KeyUpdate makes another; in TLS 1.2 each ChangeCipherSpec.
# Results:
#	Empty if there are none yet.
proc ::pyossl::expect::protect::Phase {id direction phase} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(keys,$direction)]
	    && [dict exists $e(keys,$direction) $phase]} {
	return [dict get $e(keys,$direction) $phase]
    }
    set keys [Derive $id $direction $phase]
    if {$keys ne ""} {
	dict set e(keys,$direction) $phase $keys
    }
    return $keys
}

proc ::pyossl::expect::protect::Derive {id direction phase} {
    if {$phase < 0} {
	return
    }
    set known [Known $id]
    set side [Side $id $direction]
    if {![dict exists $known suite]} {
	return
    }
    if {[dict exists $known ${side}_HANDSHAKE_TRAFFIC_SECRET]} {
	lassign [Suite [dict get $known suite]] cipher size digest
	if {$phase > 1} {
	    set before [Phase $id $direction [expr {$phase - 1}]]
	    if {$before eq ""} {
		return
	    }
	    return [Traffic $cipher $size $digest [::pyossl::aead expand \
		$digest [dict get $before secret] "traffic upd" "" \
		[string length [dict get $before secret]]]]
	}
	set label [expr {$phase == 0 ? "${side}_HANDSHAKE_TRAFFIC_SECRET"
	    : "${side}_TRAFFIC_SECRET_0"}]
	if {![dict exists $known $label]} {
	    return
	}
	return [Traffic $cipher $size $digest [dict get $known $label]]
    }
    if {![dict exists $known CLIENT_RANDOM]} {
	return
    }
    lassign [Suite [dict get $known suite]] cipher size digest
    return [Block $known $side $cipher $size $digest]
}

# The keys of a traffic secret (RFC 8446, 7.3).
proc ::pyossl::expect::protect::Traffic {cipher size digest secret} {
    return [dict create tls13 1 cipher $cipher digest $digest secret $secret \
	key [::pyossl::aead expand $digest $secret key "" $size] \
	iv [::pyossl::aead expand $digest $secret iv "" 12]]
}

# The keys of a master secret (RFC 5246, 6.3; RFC 7905, 2).
proc ::pyossl::expect::protect::Block {known side cipher size digest} {
    set ivSize [expr {$cipher eq "chacha20-poly1305" ? 12 : 4}]
    set block [::pyossl::aead prf $digest [dict get $known CLIENT_RANDOM] \
	"key expansion" [dict get $known server_random][dict get $known \
	client_random] [expr {2 * ($size + $ivSize)}]]
    set n [expr {$side eq "SERVER"}]
    set key [expr {$n * $size}]
    set iv [expr {2 * $size + $n * $ivSize}]
    return [dict create tls13 0 cipher $cipher \
	key [string range $block $key [expr {$key + $size - 1}]] \
	iv [string range $block $iv [expr {$iv + $ivSize - 1}]]]
}

#------------------------------------------------------------------------
# One record
#------------------------------------------------------------------------

# The nonce of a record: the iv, exclusive-or its number (RFC 8446, 5.3).
proc ::pyossl::expect::protect::Nonce {iv number} {
    binary scan $iv a4Wu head tail
    return $head[binary format W [expr {$tail ^ $number}]]
}

# Seal keys number type version plain --
#	A record, encrypted: a dict of type version length fragment.
proc ::pyossl::expect::protect::Seal {keys number type version plain} {
    dict with keys {}
    set code [::pyossl::expect::names::code content_type $type]
    if {$tls13} {
	append plain [binary format c $code]
	set length [expr {[string length $plain] + 16}]
	set fragment [::pyossl::aead seal $cipher $key [Nonce $iv $number] \
	    [binary format cSS 23 0x0303 $length] $plain]
	return [dict create type application_data version $version \
	    length $length fragment $fragment inner $type]
    }
    set head [binary format WcSS $number $code \
	[::pyossl::expect::names::code version $version] \
	[string length $plain]]
    if {[string length $iv] == 12} {
	set fragment [::pyossl::aead seal $cipher $key [Nonce $iv $number] \
	    $head $plain]
    } else {
	set explicit [binary format W $number]
	set fragment $explicit[::pyossl::aead seal $cipher $key \
	    $iv$explicit $head $plain]
    }
    return [dict create type $type version $version \
	length [string length $fragment] fragment $fragment]
}

# Unseal keys number record --
#	What is in a record.
# Results:
#	The list type plain padding; empty if these keys do not open it.
proc ::pyossl::expect::protect::Unseal {keys number record} {
    dict with keys {}
    set fragment [dict get $record fragment]
    set type [dict get $record type]
    set code [::pyossl::expect::names::code content_type $type]
    set version [::pyossl::expect::names::code version \
	[dict get $record version]]
    if {$tls13} {
	if {$type ne "application_data"} {
	    return
	}
	set head [binary format cSS $code $version [string length $fragment]]
	set nonce [Nonce $iv $number]
    } elseif {[string length $iv] == 12} {
	set head [binary format WcSS $number $code $version \
	    [expr {[string length $fragment] - 16}]]
	set nonce [Nonce $iv $number]
    } else {
	set head [binary format WcSS $number $code $version \
	    [expr {[string length $fragment] - 24}]]
	set nonce $iv[string range $fragment 0 7]
	set fragment [string range $fragment 8 end]
    }
    if {[string length $fragment] < 16 || [catch {
	::pyossl::aead open $cipher $key $nonce $head $fragment
    } plain]} {
	return
    }
    if {!$tls13} {
	return [list $type $plain 0]
    }
    set end [string length $plain]
    set plain [string trimright $plain \0]
    set padding [expr {$end - [string length $plain]}]
    binary scan [string index $plain end] cu code
    return [list [::pyossl::expect::names::name content_type $code] \
	[string range $plain 0 end-1] $padding]
}

#------------------------------------------------------------------------
# The state of a direction
#------------------------------------------------------------------------

# protect::Begin id direction --
#	From now on a direction is looked after. What went before is read from
#	the log.
proc ::pyossl::expect::protect::Begin {id direction} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(protect,$direction)]} {
	return
    }
    # A suite that cannot be done must not leave the engine's records to us.
    if {[dict exists [set known [Known $id]] suite]} {
	Suite [dict get $known suite]
    }
    set e(protect,$direction) {engine {-1 0} wire {-1 0}}
    set from [expr {$direction eq "out" ? "self" : "peer"}]
    foreach event $e(log) {
	set kind [dict get $event kind]
	if {$kind eq "filter" && [dict get $event direction] eq $direction} {
	    Replay $id $direction [dict get $event record]
	} elseif {$kind eq "record" && [dict get $event from] eq $from
		&& [dict get $event number] > 0} {
	    Replay $id $direction $event
	}
    }
    # Up to now the two were one.
    dict set e(protect,$direction) wire [dict get $e(protect,$direction) engine]
}

# A record that was on its way already when Begin was called goes on as it is.
proc ::pyossl::expect::protect::Missed {id direction record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    Replay $id $direction $record
    dict set e(protect,$direction) wire [dict get $e(protect,$direction) engine]
}

# A record that went by when nobody looked.
proc ::pyossl::expect::protect::Replay {id direction record} {
    set opened [Open $id $direction $record]
    if {$opened ne ""} {
	Turn $id $direction engine [lindex $opened 0] [lindex $opened 1]
    } elseif {[dict get $record type] eq "change_cipher_spec"} {
	Change $id $direction engine
    }
}

# protect::Active id --
#	Does the engine of an endpoint encrypt what it sends? It does from its
#	first encrypted record on, whether a filter has let that through or not.
# Results:
#	1 or 0; 0 too where there is no engine.
proc ::pyossl::expect::protect::Active {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(type) ne "::pyossl::expect::tls" || ![llength $e(secrets)]} {
	return 0
    }
    foreach event $e(log) {
	switch -- [dict get $event kind] {
	    record {
		if {[dict get $event from] ne "self"} continue
	    }
	    filter {
		if {[dict get $event direction] ne "out"} continue
		set event [dict get $event record]
	    }
	    default continue
	}
	# Those of number 0 are the script's.
	if {[dict get $event number] > 0 && [dict get $event type]
		in {application_data change_cipher_spec}
		&& ([dict get $event type] eq "application_data"
		|| ![Modern $id])} {
	    return 1
	}
    }
    return 0
}

# Is it TLS 1.3, as far as is known?
proc ::pyossl::expect::protect::Modern {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(modern)]} {
	set known [Known $id]
	if {[dict exists $known CLIENT_HANDSHAKE_TRAFFIC_SECRET]} {
	    set e(modern) 1
	} elseif {[dict exists $known CLIENT_RANDOM]} {
	    set e(modern) 0
	} else {
	    return 0
	}
    }
    return $e(modern)
}

# The phase and number of the next record: that of the engine, or on the wire.
# TLS 1.3 has no record that turns its first keys on.
proc ::pyossl::expect::protect::Place {id direction which} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    lassign [dict get $e(protect,$direction) $which] phase number
    return [list [expr {$phase < 0 && [Modern $id] ? 0 : $phase}] $number]
}

proc ::pyossl::expect::protect::Move {id direction which phase number} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    dict set e(protect,$direction) $which [list $phase $number]
}

# Open id direction record --
#	A record of the engine, opened; the engine's place goes on by one.
# Results:
#	As of Unseal; empty if it is in the clear or cannot be opened.
proc ::pyossl::expect::protect::Open {id direction record} {
    lassign [Place $id $direction engine] phase number
    if {$phase < 0 || [dict get $record type] eq "change_cipher_spec"
	    || ([Modern $id] && [dict get $record type]
	    ne "application_data")} {
	return
    }
    # Keys may have changed without a word that can be seen.
    set last [expr {[Modern $id] ? $phase + 2 : $phase}]
    for {set next $phase} {$next <= $last} {incr next} {
	set keys [Phase $id $direction $next]
	if {$keys eq ""} {
	    break
	}
	set n [expr {$next == $phase ? $number : 0}]
	set opened [Unseal $keys $n $record]
	if {$opened ne ""} {
	    Move $id $direction engine $next [expr {$n + 1}]
	    if {$next > $phase} {
		lassign [Place $id $direction wire] wire
		Move $id $direction wire [expr {$wire + $next - $phase}] 0
	    }
	    return $opened
	}
    }
    Move $id $direction engine $phase [expr {$number + 1}]
    return
}

# Turn id direction which type plain --
#	Behind a Finished or a KeyUpdate of TLS 1.3 come other keys.
proc ::pyossl::expect::protect::Turn {id direction which type plain} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![Modern $id]} {
	return
    }
    if {$type ne "handshake"} {
	dict unset e(protect,$direction) tail,$which
	return
    }
    # It may be in several records.
    dict append e(protect,$direction) tail,$which $plain
    set tail [string range [dict get $e(protect,$direction) tail,$which] \
	end-63 end]
    dict set e(protect,$direction) tail,$which $tail
    lassign [Place $id $direction $which] phase
    if {$phase == 0} {
	set size [string length [dict get [Phase $id $direction 0] secret]]
	set last [string range $tail end-[expr {$size + 3}] end]
	set turned [expr {[string length $last] == $size + 4
	    && [string range $last 0 3] eq [binary format Iu \
	    [expr {0x14000000 | $size}]]}]
    } else {
	set turned [expr {[string range $tail end-4 end-1]
	    eq "\x18\x00\x00\x01"}]
    }
    if {$turned} {
	dict unset e(protect,$direction) tail,$which
	Move $id $direction $which [expr {$phase + 1}] 0
    }
}

# Behind a ChangeCipherSpec of TLS 1.2 come other keys.
proc ::pyossl::expect::protect::Change {id direction which} {
    lassign [Place $id $direction $which] phase
    if {![Modern $id] && [Phase $id $direction [expr {$phase + 1}]] ne ""} {
	Move $id $direction $which [expr {$phase + 1}] 0
    }
}

# Closed id direction type version plain --
#	What goes on the wire next, sealed with its keys.
# Errors:
#	PYOSSL EXPECT STATE where there are no keys yet.
proc ::pyossl::expect::protect::Closed {id direction type version plain} {
    lassign [Place $id $direction wire] phase number
    set keys [expr {$phase < 0 ? "" : [Phase $id $direction $phase]}]
    if {$keys eq ""} {
	return -code error -errorcode {PYOSSL EXPECT STATE unprotected} \
	    "$id has no keys yet to protect a record with"
    }
    set record [Seal $keys $number $type $version $plain]
    Move $id $direction wire $phase [expr {$number + 1}]
    Turn $id $direction wire $type $plain
    return $record
}

#------------------------------------------------------------------------
# The ways through
#------------------------------------------------------------------------

# protect::Pass id direction record --
#	A record of the engine, or for it, through the protected filters.
# Results:
#	The records that go on, sealed where they are to be.
proc ::pyossl::expect::protect::Pass {id direction record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set opened [Open $id $direction $record]
    set sealed [expr {$opened ne ""}]
    dict set record protected $sealed
    if {$sealed} {
	lassign $opened type plain padding
	Turn $id $direction engine $type $plain
	set record [dict merge $record [dict create type $type \
	    fragment $plain length [string length $plain] encrypted 0 \
	    padding $padding]]
    } elseif {[dict get $record type] eq "change_cipher_spec"} {
	Change $id $direction engine
    }
    return [Sealed $id $direction $sealed $record $e(guards,$direction)]
}

# A record through protected filters, and sealed: a list of those that go on.
proc ::pyossl::expect::protect::Sealed {id direction sealed record guards} {
    set records [list $record]
    foreach row $guards {
	set next {}
	foreach one $records {
	    lappend next {*}[::pyossl::expect::filter::Call $id $row $one]
	}
	set records $next
    }
    return [concat {*}[lmap one $records {
	if {![dict exists $one protected]} {
	    dict set one protected $sealed
	}
	Done $id $direction $one
    }]]
}

# A record behind the protected filters, as a list: sealed, or as it is.
proc ::pyossl::expect::protect::Done {id direction record} {
    set type [dict get $record type]
    if {![dict get $record protected]} {
	if {$type eq "change_cipher_spec"} {
	    Change $id $direction wire
	}
	return [list $record]
    }
    set plain [dict get $record fragment]
    set padding [expr {[dict exists $record padding]
	? [dict get $record padding] : 0}]
    return [list [dict merge $record {encrypted 1} [Padded $id $direction \
	$type [dict get $record version] $plain $padding]]]
}

# Closed with zeros behind the type (RFC 8446, 5.4).
proc ::pyossl::expect::protect::Padded {id direction type version plain
	padding} {
    if {$padding == 0 || ![Modern $id]} {
	return [Closed $id $direction $type $version $plain]
    }
    set code [binary format c [::pyossl::expect::names::code content_type \
	$type]]
    # The last of the zeros stands where the type is otherwise.
    set record [Closed $id $direction 0 $version \
	$plain$code[string repeat \0 [expr {$padding - 1}]]]
    Turn $id $direction wire $type $plain
    return $record
}

# protect::Put id type version plain padding --
#	A record of the script's on the wire, and into the log.
proc ::pyossl::expect::protect::Put {id type version plain {padding 0}} {
    set record [Padded $id out $type $version $plain $padding]
    ::pyossl::expect::event::add $id \
	[dict merge {kind record from self number 0} $record]
    ::pyossl::expect::tls::Inject $id [::pyossl::expect::record::bytes $record]
}

# protect::Send id flag words -- send -protected 1 -record, -handshake, -alert.
proc ::pyossl::expect::protect::Send {id flag words} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(type) ne "::pyossl::expect::tls"} {
	return -code error -level 3 -errorcode [list PYOSSL EXPECT KIND \
	    $e(kind)] "there is no engine in $id whose keys could protect a\
	    record"
    }
    set usage [dict get {
	-record "-record type version bytes ?-padding n?"
	-handshake "-handshake name ?body?" -alert "-alert level description"
    } $flag]
    set n [llength $words]
    if {![dict get [list -record [expr {$n == 3 || ($n == 5
	    && [lindex $words 3] eq "-padding")}] -handshake \
	    [expr {$n in {1 2}}] -alert [expr {$n == 2}]] $flag]} {
	return -code error -level 3 -errorcode {TCL WRONGARGS} "wrong # args:\
	    should be \"send ?-i id? -protected 1 $usage\""
    }
    # Before the log has messages that are none of the engine's.
    Begin $id out
    Phase $id out [lindex [Place $id out wire] 0]
    switch -- $flag {
	-record {
	    lassign $words type version plain - padding
	    if {$padding eq ""} {
		set padding 0
	    } elseif {![string is integer -strict $padding] || $padding < 0} {
		return -code error -level 3 -errorcode [list PYOSSL EXPECT \
		    VALUE $padding] "the padding must be a number of bytes"
	    }
	    Put $id $type $version $plain $padding
	}
	-handshake {
	    lassign $words name body
	    set bytes [::pyossl::expect::encode $name $body]
	    ::pyossl::expect::event::add $id \
		[::pyossl::expect::tls::MessageEvent self 0x0303 $bytes]
	    # A message longer than a record goes in several.
	    for {set at 0} {$at == 0 || $at < [string length $bytes]} {
		    incr at 16384} {
		Put $id handshake TLSv1.2 [string range $bytes $at $at+16383]
	    }
	}
	-alert {
	    lassign $words level description
	    set bytes [::pyossl::expect::record::alert $level $description]
	    ::pyossl::expect::event::add $id \
		[::pyossl::expect::tls::AlertEvent self 0x0303 $bytes]
	    Put $id alert TLSv1.2 $bytes
	    ::pyossl::expect::Alerted $id $bytes
	}
    }
    return
}

# protect::Guard id direction words --
#	wire ID out|in -protected 1 FILTER
proc ::pyossl::expect::protect::Guard {id direction words} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[lindex $words 0] in {coalesce delay truncate}} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT VALUE [lindex $words 0]] \
	    "[lindex $words 0] has no protected form"
    }
    set row [list $words [::pyossl::expect::filter::Prefix $words]]
    Begin $id $direction
    lappend e(guards,$direction) $row
    return
}
