# scancertificate.tcl --
#
#	The certificates of a server and what is wrong with them.
#
#	Chains are collected by kind of key, in the clear and by the engine, which
#	verifies them too; what is the same is listed once.

namespace eval ::pyossl::expect::probe {
    # OpenSSL's numbers of what makes a chain one that nobody trusts here.
    variable untrusted {2 18 19 20 21 22 27 28 33}
}

#------------------------------------------------------------------------
# Getting them
#------------------------------------------------------------------------

proc ::pyossl::expect::probe::ScanCertificates {p} {
    upvar #0 $p P
    set chains {}	;# dict: list of DER -> dict of versions and faults
    if {[Noted $p protocols TLSv1.3] eq "yes"} {
	NewCertificates $p chains
    }
    set version [Old $p]
    if {$version ne ""} {
	OldCertificates $p $version chains
    }
    if {![dict size $chains]} {
	return
    }
    set P(trust) [dict size $chains]
    Note $p certificates [lmap {chain known} $chains {
	DescribeChain $p $chain $known
    }]
    set embedded 0
    foreach certificate [Noted $p certificates] {
	set embedded [expr {max($embedded,
	    [dict get [lindex [dict get $certificate chain] 0] scts])}]
    }
    Note $p scts certificate $embedded
}

# In TLS 1.3 by what the server can sign with: each kind of key is asked for
# alone, so that none hides behind another.
proc ::pyossl::expect::probe::NewCertificates {p chainsVar} {
    upvar 1 $chainsVar chains
    set lost 0
    foreach kind {
	rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512
	rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512
	ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512
	ed25519 ed448 {}
    } {
	foreach sigalgs [expr {$kind eq "" ? {{}} : [ForChain $kind]}] {
	    set result [Engine $p TLSv1.3 sigalgs $sigalgs]
	    if {[dict get $result done]} {
		Chain chains [EngineChain $result TLSv1.3] TLSv1.3 $result
		break
	    }
	    set lost [expr {$lost || [dict get $result end] ne "alert"}]
	}
    }
    Finished $p TLSv1.3 $lost
}

# ForChain schemes --
#	There are servers that look among the schemes of the handshake for what
#	their chain is signed with.
# Results:
#	Lists to be asked for one after the other: the schemes with those of
#	PKCS #1, with which nothing else is signed in TLS 1.3, and at last with
#	ECDSA too.
proc ::pyossl::expect::probe::ForChain {schemes} {
    set list [concat [split $schemes :] \
	{rsa_pkcs1_sha256 rsa_pkcs1_sha384 rsa_pkcs1_sha512}]
    set all [concat $list [lmap name {ecdsa_secp256r1_sha256
	    ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512} {
	if {$name in $list} continue
	set name
    }]]
    return [list [join $list :] [join $all :]]
}

# Finished p version lost --
#	Notes that there may be more certificates: an answer was lost, or the
#	server refuses now what it did not refuse before.
proc ::pyossl::expect::probe::Finished {p version lost} {
    upvar #0 $p P
    if {$lost || ![Still $p $version]} {
	dict update P(result) incomplete incomplete {
	    dict lappend incomplete certificates $version
	}
    }
}

# In the clear for all kinds of keys there are suites for; the engine verifies.
# What suites and keys have in common a group and a scheme tell apart: x25519 and
# x448 are for the exchange and on no certificate.
proc ::pyossl::expect::probe::OldCertificates {p version chainsVar} {
    upvar 1 $chainsVar chains
    set suites [KnownSuites $p $version]
    set lost 0
    foreach {pattern ciphers groups signatures} {
	_RSA_WITH_ aRSA {} {}
	_RSA_WITH_ aRSA {} {rsa_pss_pss_sha256 rsa_pss_pss_sha384
	    rsa_pss_pss_sha512}
	_ECDSA_WITH_ aECDSA {} {}
	_ECDSA_WITH_ aECDSA {x25519 x448 secp256r1} {}
	_ECDSA_WITH_ aECDSA {x25519 x448 secp384r1} {}
	_ECDSA_WITH_ aECDSA {x25519 x448 secp521r1} {}
	_ECDSA_WITH_ aECDSA {} ed25519 _ECDSA_WITH_ aECDSA {} ed448
	_(DSS|SHA_DSS)_WITH_ aDSS {} {} ^TLS_RSA_ kRSA {} {}
    } {
	set these [lsearch -all -inline -regexp $suites $pattern]
	if {![llength $these] || $signatures ne "" && $version ne "TLSv1.2"
		|| $groups ne "" && $version eq "SSLv3"} {
	    continue
	}
	set words {}
	foreach key {groups signatures} {
	    if {[set $key] ne ""} {
		lappend words $key [set $key]
	    }
	}
	set answer [Insist $p [Hello $p $version suites $these {*}$words] flight]
	set chain [RawChain $answer]
	if {![llength $chain]} {
	    # Without a certificate there is the end of the flight, or a refusal.
	    set lost [expr {$lost || ![Definite $answer]
		|| [dict get $answer end] eq "hello"
		&& ![dict exists $answer messages ServerHelloDone]}]
	    continue
	}
	if {[dict exists $chains $chain] || $version eq "SSLv3"} {
	    Chain chains $chain $version {}
	    continue
	}
	set result [Engine $p $version ciphers $ciphers:@SECLEVEL=0 \
	    groups [join $groups :] sigalgs [join $signatures :]]
	set same [expr {[dict get $result done]
	    && [EngineChain $result $version] eq $chain}]
	Chain chains $chain $version [expr {$same ? $result : {}}]
    }
    Finished $p $version $lost
}

# Chain chainsVar chain version result --
#	Takes a chain into the dict of those there are, with what the engine
#	says of it in its result, if it has seen it.
proc ::pyossl::expect::probe::Chain {chainsVar chain version result} {
    upvar 1 $chainsVar chains
    if {![dict exists $chains $chain]} {
	dict set chains $chain [list versions {} faults unknown needed {}]
    }
    if {$version ni [dict get $chains $chain versions]} {
	dict set chains $chain versions \
	    [concat [dict get $chains $chain versions] $version]
    }
    if {$result ne ""} {
	dict set chains $chain faults [dict get $result faults]
	dict set chains $chain needed [dict get $result needed]
    }
}

proc ::pyossl::expect::probe::RawChain {answer} {
    if {![dict exists $answer messages Certificate]
	    || [dict get $answer version] eq "TLSv1.3"} {
	return {}
    }
    return [MessageChain [dict get $answer messages Certificate] \
	[dict get $answer version]]
}

proc ::pyossl::expect::probe::EngineChain {result version} {
    foreach message [dict get $result messages] {
	if {[::pyossl::expect::message::nameOf $message] eq "Certificate"} {
	    return [MessageChain $message $version]
	}
    }
    return {}
}

# The certificates of a message, DER, in their order.
proc ::pyossl::expect::probe::MessageChain {message version} {
    if {[catch {::pyossl::expect::decode $message -version $version} dict]
	    || ![dict exists $dict certificate_list]} {
	return {}
    }
    return [lmap entry [dict get $dict certificate_list] {
	expr {$version eq "TLSv1.3" ? [dict get $entry cert_data] : $entry}
    }]
}

#------------------------------------------------------------------------
# What they say
#------------------------------------------------------------------------

# DescribeChain p chain known --
#	Results:
#	A dict: versions, verification (ok, failed or unknown), faults (a list
#	of dicts: fault, text), chain (a list of dicts, see Describe).
proc ::pyossl::expect::probe::DescribeChain {p chain known} {
    set certificates [lmap der $chain {Describe $der}]
    set faults [dict get $known faults]
    set numbers [expr {$faults eq "unknown" ? {}
	: [lmap fault $faults {lindex $fault 0}]}]
    return [dict create versions [dict get $known versions] \
	verification [expr {$faults eq "unknown" ? "unknown"
	    : [llength $numbers] ? "failed" : "ok"}] \
	faults [Faults $p $certificates $numbers [dict get $known needed]] \
	chain $certificates]
}

# Describe der --
#	A certificate as a dict: subject, issuer, serial, notBefore, notAfter,
#	signature, key (its type), bits, names (list of DNS names and addresses),
#	scts, sha256, pem. Of one that cannot be read only error and der.
proc ::pyossl::expect::probe::Describe {der} {
    if {[catch {::pyossl::load_certificate ASN1 $der} cert]} {
	return [dict create error $cert subject ? issuer ? serial 0 \
	    notBefore "" notAfter "" signature ? key ? bits 0 names {} scts 0 \
	    sha256 "" pem "" san 0]
    }
    set result [dict create error ""]
    set objects [list $cert]
    try {
	foreach part {subject issuer} {
	    set name [$cert get_$part]
	    lappend objects $name
	    dict set result $part [join [lmap pair [$name get_components] {
		set text [join $pair =]
	    }] ", "]
	    dict set result ${part}_der [$name der]
	}
	dict set result serial [$cert get_serial_number]
	dict set result notBefore [$cert get_notBefore]
	dict set result notAfter [$cert get_notAfter]
	dict set result signature [$cert get_signature_algorithm]
	lassign {? 0} type bits
	catch {
	    set key [$cert get_pubkey]
	    lappend objects $key
	    set type [KeyType [$key type]]
	    set bits [$key bits]
	}
	dict set result key $type
	dict set result bits $bits
	dict set result sha256 [string map {: ""} [$cert digest sha256]]
	dict set result pem [::pyossl::dump_certificate PEM $cert]
	dict set result names {}
	dict set result san 0
	dict set result scts 0
	for {set i 0} {$i < [$cert get_extension_count]} {incr i} {
	    set extension [$cert get_extension $i]
	    lappend objects $extension
	    switch -- [$extension oid] {
		2.5.29.17 {
		    dict set result san 1
		    dict set result names [AltNames [$extension get_data]]
		}
		1.3.6.1.4.1.11129.2.4.2 {
		    dict set result scts [CountScts [$extension get_data]]
		}
	    }
	}
    } finally {
	foreach object $objects {
	    $object destroy
	}
    }
    return $result
}

proc ::pyossl::expect::probe::KeyType {number} {
    foreach {value name} {6 RSA 912 RSA-PSS 116 DSA 408 EC 1087 ED25519
	    1088 ED448} {
	if {$number == $value} {
	    return $name
	}
    }
    return $number
}

# DerValue bytes atVar -- {tag value} of the element at an offset (X.690, 8.1).
proc ::pyossl::expect::probe::DerValue {bytes atVar} {
    upvar 1 $atVar at
    if {[binary scan $bytes @${at}cucu tag length] != 2} {
	set at [string length $bytes]
	return {0 {}}
    }
    incr at 2
    if {$length > 128 && $length < 132} {
	set size [expr {$length - 128}]
	set length 0
	foreach digit [split [string range $bytes $at $at+[expr {$size - 1}]] {}] {
	    set length [expr {$length * 256 + [scan $digit %c]}]
	}
	incr at $size
    }
    set value [string range $bytes $at [expr {$at + $length - 1}]]
    incr at $length
    return [list $tag $value]
}

# The DNS names and addresses of subjectAltName (RFC 5280, 4.2.1.6).
proc ::pyossl::expect::probe::AltNames {data} {
    set at 0
    set names [lindex [DerValue $data at] 1]
    set result {}
    for {set at 0} {$at < [string length $names]} {} {
	lassign [DerValue $names at] tag value
	if {$tag == 0x82} {
	    lappend result $value
	} elseif {$tag == 0x87} {
	    lappend result [AddressText $value]
	}
    }
    return $result
}

# An address of 4 or 16 bytes as text, the long one without abbreviations.
proc ::pyossl::expect::probe::AddressText {bytes} {
    if {[string length $bytes] == 4} {
	binary scan $bytes cu* parts
	return [join $parts .]
    }
    binary scan $bytes Su* parts
    return [join [lmap part $parts {format %x $part}] :]
}

proc ::pyossl::expect::probe::CountScts {data} {
    set at 0
    set list [lindex [DerValue $data at] 1]
    set count 0
    for {set at 2} {[binary scan $list @${at}Su size] == 1} {} {
	incr count
	incr at [expr {2 + $size}]
    }
    return $count
}

# Is a certificate signed with its own key? Where that cannot be looked at, as of
# RSASSA-PSS, 1: that its names are the same has to do.
proc ::pyossl::expect::probe::SignsItself {certificate} {
    set algorithm [string map {- ""} [dict get $certificate signature]]
    if {![regexp -nocase {(md[245]|sha\d+)} $algorithm digest]
	    && ![regexp -nocase {^ed(25519|448)$} $algorithm]} {
	return 1
    }
    if {[string match -nocase *pss* $algorithm]
	    || [catch {::pyossl::load_certificate PEM \
	    [dict get $certificate pem]} cert]} {
	return 1
    }
    try {
	set der [::pyossl::dump_certificate ASN1 $cert]
	set at 0
	set all [lindex [DerValue $der at] 1]
	set at 0
	DerValue $all at
	set signed [string range $all 0 $at-1]
	DerValue $all at
	# A BIT STRING, of which no bits are unused.
	set signature [string range [lindex [DerValue $all at] 1] 1 end]
	::pyossl::verify $cert $signature $signed \
	    [expr {[info exists digest] ? $digest : ""}]
    } trap {PYOSSL crypto Error} {} {
	return 0
    } on error {} {
    } finally {
	$cert destroy
    }
    return 1
}

#------------------------------------------------------------------------
# What is wrong with them
#------------------------------------------------------------------------

# Faults p chain numbers needed --
#	The faults of a chain: a list of dicts of fault and text.
# Arguments:
#	chain	what the server has sent, see Describe
#	numbers	what verification says against it
#	needed	digests of the certificates by which it came to an authority;
#		with none all count
proc ::pyossl::expect::probe::Faults {p chain numbers needed} {
    upvar #0 $p P
    variable untrusted
    set result {}
    set superfluous {}
    set now [clock format [clock seconds] -gmt 1 -format %Y%m%d%H%M%SZ]
    set i 0
    foreach certificate $chain {
	set who [expr {$i ? "certificate [expr {$i + 1}] of the chain"
	    : "the certificate"}]
	incr i
	if {[dict get $certificate error] ne ""} {
	    Fault unreadable "$who cannot be read: [dict get $certificate error]"
	    continue
	}
	set before $result
	dict with certificate {
	    if {$notAfter < $now} {
		Fault expired "$who was valid until [When $notAfter]"
	    }
	    if {$notBefore > $now} {
		Fault not_yet_valid "$who is not valid before [When $notBefore]"
	    }
	    if {$key in {RSA RSA-PSS DSA} && $bits < 2048
		    || $key eq "EC" && $bits < 224} {
		Fault weak_key "$who has an $key key of $bits bits"
	    }
	    # What signs itself is trusted for other reasons than its signature.
	    if {[regexp -nocase {md[245]|sha-?1($|[^0-9])} $signature]
		    && ($i == 1 || $subject_der ne $issuer_der)} {
		Fault weak_signature "$who is signed with $signature"
	    }
	}
	# Where the way goes past it, only clients that try another one stumble.
	if {![llength $numbers] && [llength $needed]
		&& [dict get $certificate sha256] ni $needed} {
	    lappend superfluous {*}[lrange $result [llength $before] end]
	    set result $before
	}
    }
    foreach fault $superfluous {
	Fault superfluous "[dict get $fault text], and is not needed"
    }
    set leaf [lindex $chain 0]
    if {[dict get $leaf error] ne ""} {
	return $result
    }
    if {![llength [dict get $leaf names]]} {
	Fault missing_san "the certificate names no host in subjectAltName"
    } elseif {$P(verifyname) ne ""
	    && ![Names [dict get $leaf names] $P(verifyname)]} {
	Fault name_mismatch "the certificate is not for $P(verifyname)"
    }
    if {[dict get $leaf subject_der] eq [dict get $leaf issuer_der]
	    && [SignsItself $leaf]} {
	Fault self_signed "the certificate is its own issuer"
    }
    lassign [Order $chain] ordered top
    if {!$ordered} {
	Fault wrong_order "the certificates are not each followed by its issuer"
    }
    if {[llength [lsearch -all -inline -regexp $numbers {^(2|20|21)$}]]
	    && [dict get $top subject_der] ne [dict get $top issuer_der]} {
	Fault incomplete_chain "nobody has [dict get $top issuer]: the server\
	    does not send it, and it is not trusted here"
    }
    foreach number $numbers {
	if {$number in $untrusted} {
	    Fault untrusted "no way leads to an authority that is trusted here"
	    break
	}
    }
    # The times have been looked at above.
    set words [lmap number [lsort -unique -integer $numbers] {
	if {$number in $untrusted || $number in {9 10}} continue
	::pyossl::VerifyError $number
    }]
    if {[llength $words]} {
	Fault invalid "verification says: [join $words {; }]"
    }
    return $result
}

proc ::pyossl::expect::probe::Fault {name text} {
    upvar 1 result result
    lappend result [dict create fault $name text $text]
}

# 20260131235959Z as people write it.
proc ::pyossl::expect::probe::When {time} {
    regsub {^(....)(..)(..)(..)(..)(..)Z$} $time {\1-\2-\3 \4:\5:\6 UTC} time
    return $time
}

# Order chain --
#	Is each certificate followed by its issuer?  And which is the last one
#	on the way up from the server's own, in whatever order they are.
proc ::pyossl::expect::probe::Order {chain} {
    set ordered 1
    set previous [lindex $chain 0]
    foreach certificate [lrange $chain 1 end] {
	if {[dict get $certificate error] ne ""} {
	    continue
	}
	if {[dict get $certificate subject_der]
		ne [dict get $previous issuer_der]} {
	    set ordered 0
	}
	set previous $certificate
    }
    set top [lindex $chain 0]
    for {set i 0} {$i < [llength $chain]} {incr i} {
	if {[dict get $top subject_der] eq [dict get $top issuer_der]} {
	    break
	}
	set up ""
	foreach certificate $chain {
	    if {[dict get $certificate error] eq ""
		    && [dict get $certificate subject_der]
			eq [dict get $top issuer_der]} {
		set up $certificate
	    }
	}
	if {$up eq ""} {
	    break
	}
	set top $up
    }
    return [list $ordered $top]
}

# Names names host --
#	Is the host among the names?  A star stands for one whole label, the
#	first one (RFC 9525, 6.3).
proc ::pyossl::expect::probe::Names {names host} {
    set host [string trimright [string tolower $host] .]
    if {[string first : $host] >= 0} {
	set host [LongAddress $host]
    }
    foreach name $names {
	set name [string tolower $name]
	if {$name eq $host} {
	    return 1
	}
	if {[string match {\*.*} $name] && ![IsAddress $host]} {
	    set dot [string first . $host]
	    if {$dot > 0 && [string range $host $dot end]
		    eq [string range $name 1 end]} {
		return 1
	    }
	}
    }
    return 0
}

proc ::pyossl::expect::probe::IsAddress {host} {
    return [expr {[string first : $host] >= 0
	|| [regexp {^\d+\.\d+\.\d+\.\d+$} $host]}]
}

# An IPv6 address in the form of AddressText.
proc ::pyossl::expect::probe::LongAddress {host} {
    set host [lindex [split $host %] 0]
    set double [string first :: $host]
    if {$double >= 0} {
	set before [lsearch -all -inline -not -exact \
	    [split [string range $host 0 $double-1] :] ""]
	set after [lsearch -all -inline -not -exact \
	    [split [string range $host $double+2 end] :] ""]
	set zeros [lrepeat [expr {max(0, 8 - [llength $before]
	    - [llength $after])}] 0]
	set parts [concat $before $zeros $after]
    } else {
	set parts [split $host :]
    }
    return [join [lmap part $parts {
	expr {[scan $part %x number] == 1 ? [format %x $number] : $part}
    }] :]
}
